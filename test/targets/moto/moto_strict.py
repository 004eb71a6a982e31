"""moto's server, mended where it is laxer than AWS; started as: python3 moto_strict.py -H 127.0.0.1 -p PORT

An inactive access key is refused, and moving AWSCURRENT moves what a read without a stage gives.
"""

import sys

import moto
from moto.iam import access_control
from moto.secretsmanager import models
from moto.server import main

plain_init = access_control.IAMUserAccessKey.__init__


def strict_init(self, account_id, partition, access_key_id, headers):
    plain_init(
        self,
        account_id=account_id,
        partition=partition,
        access_key_id=access_key_id,
        headers=headers,
    )
    for user in self.backend.list_users("/", None, None):
        for key in user.access_keys:
            if key.access_key_id == access_key_id and key.status != "Active":
                raise access_control.CreateAccessKeyFailure(reason="InvalidId")


access_control.IAMUserAccessKey.__init__ = strict_init

plain_move = models.SecretsManagerBackend.update_secret_version_stage


def strict_move(self, secret_id, version_stage, remove_from_version_id, move_to_version_id):
    answer = plain_move(self, secret_id, version_stage, remove_from_version_id, move_to_version_id)
    if version_stage == "AWSCURRENT" and move_to_version_id:
        self.secrets[secret_id].set_default_version_id(move_to_version_id)
    return answer


models.SecretsManagerBackend.update_secret_version_stage = strict_move

print("moto", moto.__version__, flush=True)
main(sys.argv[1:])
