/** Teams' incoming webhooks: an adaptive card in a message; of text runs, so that nothing that others wrote is markup. */
import { ChatOptions, openChat } from './chat.js';
import { channelKind, type Message } from './kind.js';
import { paragraphsOf, subjectOf } from './text.js';

export const teams = channelKind({
  kind: 'teams',
  options: ChatOptions,
  open: (options) => openChat(options, teamsBody),
});

/** A message of more than 28 KB is refused; each paragraph has its share. */
const longestParagraph = 600;

function teamsBody(message: Message): unknown {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block([run(subjectOf(message), { weight: 'Bolder', size: 'Medium' })]),
      ...paragraphsOf(message).flatMap(({ title, lines }) => [
        block([run(title, { weight: 'Bolder' })]),
        ...shortened(lines).map((line) => block([run(line, {})])),
      ]),
      block([run(`rotor ${message.id}`, { size: 'Small', isSubtle: true })]),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

function shortened(lines: readonly string[]): string[] {
  return lines.join('\n').slice(0, longestParagraph).split('\n');
}

function block(inlines: readonly unknown[]): unknown {
  return { type: 'RichTextBlock', inlines };
}

function run(text: string, style: Readonly<Record<string, unknown>>): unknown {
  return { type: 'TextRun', text, ...style };
}
