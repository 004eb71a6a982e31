/** Slack's incoming webhooks: blocks of plain text, so that nothing that others wrote is markup. */
import { ChatOptions, openChat } from './chat.js';
import { channelKind, type Message } from './kind.js';
import { cut, paragraphsOf, subjectOf } from './text.js';

export const slack = channelKind({
  kind: 'slack',
  options: ChatOptions,
  open: (options) => openChat(options, slackBody),
});

/** Slack's own limits. */
const longestHeader = 150;
const longestSection = 3_000;

function slackBody(message: Message): unknown {
  const subject = subjectOf(message);
  return {
    // Shown in notifications, and read as markup.
    text: escaped(subject),
    blocks: [
      { type: 'header', text: plain(fitting(subject, longestHeader)) },
      ...paragraphsOf(message).map(({ title, lines }) => ({
        type: 'section',
        text: plain(fitting([title, ...lines].join('\n'), longestSection)),
      })),
      { type: 'context', elements: [plain(`rotor ${message.id}`)] },
    ],
  };
}

function plain(text: string): unknown {
  return { type: 'plain_text', text, emoji: false };
}

/** Also where a sign of markup is counted as what it is escaped to. */
function fitting(text: string, most: number): string {
  let fits = cut(text, most);
  while (escaped(fits).length > most) {
    const tooMuch = escaped(fits).length - most;
    fits = cut(fits, fits.length - Math.ceil(tooMuch / longestEscape));
  }
  return fits;
}

const longestEscape = '&amp;'.length;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
