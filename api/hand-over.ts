/** The page that shows a value once, to whoever has the link: it asks to press a button first, so that a preview of the link burns nothing. */
import { createHash } from 'node:crypto';
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify';
import type { UseSource } from '../domain/issuer.js';
import type { SecretValue } from '../domain/secret-value.js';
import { linkRefusals } from '../domain/showing.js';
import type { HandedOver } from '../infra/registry/hand-over.js';
import type { OpeningCall } from '../infra/registry/task-links.js';

export const handOverPath = '/hand-over';

export type HandOver = (call: OpeningCall) => Promise<HandedOver>;

const style = `body{font:16px/1.5 sans-serif;max-width:42em;margin:3em auto;padding:0 1em}
pre{white-space:pre-wrap;overflow-wrap:anywhere;border:1px solid;padding:1em}`;

/** Takes the token from behind the #, and from the history; without scripts people paste it. */
const script = `const field=document.getElementById('token');
if(location.hash.length>1){field.value=location.hash.slice(1);field.type='hidden';
document.getElementById('paste').hidden=true;history.replaceState(null,'',location.pathname)}`;

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

const headers = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'x-robots-tag': 'noindex',
  'content-security-policy': `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
};

export function handOverRoutes(handOver: HandOver): FastifyPluginCallback {
  return (server, _options, done) => {
    server.addContentTypeParser(
      'application/x-www-form-urlencoded',
      { parseAs: 'string', bodyLimit: 4_096 },
      (_request, body, parsed) =>
        parsed(null, Object.fromEntries(new URLSearchParams(String(body)))),
    );
    server.addHook('onRequest', (_request, reply, next) => {
      void reply.headers(headers);
      next();
    });
    server.get(handOverPath, (_request, reply) => send(reply, 200, askingPage));
    server.post(handOverPath, (request, reply) => open(handOver, request, reply));
    done();
  };
}

async function open(
  handOver: HandOver,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const handed = await handOver({ token: tokenIn(request.body), source: sourceOf(request) });
  if (handed.kind === 'shown') return send(reply, 200, valuePage(handed.value));
  return send(reply, handed.kind === 'unknown' ? 404 : 410, refusalPage(handed));
}

function tokenIn(body: unknown): string {
  const said = typeof body === 'object' && body !== null && 'token' in body ? body.token : '';
  return typeof said === 'string' ? said.trim() : '';
}

const longestAgent = 300;

function sourceOf({ ip, headers: sent }: FastifyRequest): UseSource {
  const userAgent = sent['user-agent']?.slice(0, longestAgent);
  return { address: ip, ...(userAgent === undefined ? {} : { userAgent }) };
}

function send(reply: FastifyReply, status: number, html: string): FastifyReply {
  return reply.code(status).type('text/html; charset=utf-8').send(html);
}

function page(content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>rotor</title><style>${style}</style></head>
<body>${content}</body></html>
`;
}

const askingPage = page(`<h1>A value for you</h1>
<p>It is shown once. Press the button when you are at the place where you type it in.</p>
<form method="post" action="${handOverPath}" autocomplete="off">
<p id="paste"><label for="token">What stands behind the # of your link:</label></p>
<p><input id="token" name="token" type="text" required> <button>Show it, once</button></p>
</form><script>${script}</script>`);

/** A line break at the beginning would be left out: that one is ours. */
function valuePage(value: SecretValue): string {
  return page(`<h1>The value</h1>
<pre>
${escaped(value.reveal())}</pre>
<p>This page cannot be opened again. Close it once you have typed the value in, and say so.</p>`);
}

function refusalPage(refused: Exclude<HandedOver, { kind: 'shown' }>): string {
  if (refused.kind === 'unknown')
    return page('<h1>No such link</h1><p>Is it whole? Ask whoever gave it to you.</p>');
  const { why, openedAt, issuedBy } = refused;
  const before =
    openedAt === undefined
      ? ''
      : `<p>It was opened at ${openedAt.toISOString()}. <strong>If that was not you, somebody else knows the value</strong>: say so now.</p>`;
  return page(`<h1>This link shows nothing</h1>
<p>${escaped(linkRefusals[why])}. It was made by ${escaped(issuedBy)}: ask there.</p>${before}`);
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\r': '&#13;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => entities[character] ?? '');
}
