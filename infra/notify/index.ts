/** All kinds of channels that people are told by. */
import { command } from './command.js';
import { slack } from './slack.js';
import { smtp } from './smtp.js';
import { teams } from './teams.js';
import { webhook } from './webhook.js';

export const channelKinds = [command, slack, smtp, teams, webhook] as const;
