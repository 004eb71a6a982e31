"""Asks a strict moto, as the administrator, and prints what it answers as JSON: python3 moto_answers.py URL REGION KEY_ID_FILE SECRET_FILE NAME"""

import json
import sys
from pathlib import Path

import boto3
from botocore.exceptions import ClientError

url, region, key_id_file, secret_file, name = sys.argv[1:]


def client(kind, key_id, secret):
    return boto3.client(
        kind,
        endpoint_url=url,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret,
    )


def answer(ask):
    try:
        return ask()
    except ClientError as error:
        return error.response["Error"]["Code"]


admin = (Path(key_id_file).read_text(), Path(secret_file).read_text())
iam = client("iam", *admin)
iam.create_user(UserName=name)
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
key = iam.create_access_key(UserName=name)["AccessKey"]
own = client("iam", key["AccessKeyId"], key["SecretAccessKey"])


def used():
    return answer(lambda: own.get_user(UserName=name)["User"]["UserName"])


def set_status(status):
    iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status=status)


answers = {"active": used()}
set_status("Inactive")
answers["inactive"] = used()
set_status("Active")
answers["active again"] = used()
wrong = client("iam", key["AccessKeyId"], "wrong")
answers["wrong secret"] = answer(lambda: wrong.get_user(UserName=name)["User"]["UserName"])

secrets = client("secretsmanager", *admin)
first = secrets.create_secret(Name=name, SecretString="first")["VersionId"]
second = secrets.put_secret_value(SecretId=name, SecretString="second", VersionStages=["AWSPENDING"])["VersionId"]
answers["before the move"] = secrets.get_secret_value(SecretId=name)["SecretString"]
secrets.update_secret_version_stage(
    SecretId=name, VersionStage="AWSCURRENT", MoveToVersionId=second, RemoveFromVersionId=first
)
answers["after the move"] = secrets.get_secret_value(SecretId=name)["SecretString"]
print(json.dumps(answers))
