/** Teams' incoming webhooks: an adaptive card in a message; of text runs, so that nothing that others wrote is markup. */
import { ChatOptions, openChat } from './chat.js';
import { channelKind, type Message } from './kind.js';
import { cut, paragraphsOf, subjectOf, type Paragraph } from './text.js';

export const teams = channelKind({
  kind: 'teams',
  options: ChatOptions,
  open: (options) => openChat(options, teamsBody),
});

/** A message of more than 28 KB is refused, and what passes it on adds to it. */
const mostBytes = 25_000;

/** Each paragraph has its share of what fits: less, until all of it does, as it is sent. */
function teamsBody(message: Message): unknown {
  const paragraphs = paragraphsOf(message);
  let share = mostBytes;
  let body = bodyWithin(message, paragraphs, share);
  while (share > 0 && Buffer.byteLength(JSON.stringify(body)) > mostBytes) {
    share = Math.floor(share * 0.8);
    body = bodyWithin(message, paragraphs, share);
  }
  return body;
}

function bodyWithin(
  message: Message,
  paragraphs: readonly Paragraph[],
  longestParagraph: number,
): unknown {
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      block([run(subjectOf(message), { weight: 'Bolder', size: 'Medium' })]),
      ...paragraphs.flatMap(({ title, lines }) => [
        block([run(title, { weight: 'Bolder' })]),
        ...cut(lines.join('\n'), longestParagraph)
          .split('\n')
          .map((line) => block([run(line, {})])),
      ]),
      block([run(`rotor ${message.id}`, { size: 'Small', isSubtle: true })]),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] };
}

function block(inlines: readonly unknown[]): unknown {
  return { type: 'RichTextBlock', inlines };
}

function run(text: string, style: Readonly<Record<string, unknown>>): unknown {
  return { type: 'TextRun', text, ...style };
}
