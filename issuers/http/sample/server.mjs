// An issuer of one's own in plain Node, as docs/your-own-issuer.md explains: it keeps its credentials in one file.
// node server.mjs PORT FILE TOKEN
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file, token] = process.argv.slice(2);
const record = { useRecord: 'exact', seesRefusals: true, tellsProbesApart: true };
const traits = { overlap: 'many', valueChosenBy: 'ours', ...record };
const state = existsSync(file) ? JSON.parse(readFileSync(file)) : { credentials: [], uses: [] };

/** On the disk before anybody is answered: a process that is killed has forgotten nothing that it told. */
function keep() {
  writeFileSync(`${file}.new`, JSON.stringify(state), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
}

const hashOf = (value) => createHash('sha256').update(value).digest('hex');
const isLive = ({ revoked, expiresAt = '9999' }) => !revoked && new Date(expiresAt) > new Date();

/** The same version again is the same credential, whoever lost the answer. */
function mint({ secret, tag, value, expiresAt }, versionId) {
  const { principal } = secret.specification;
  const [hash, createdAt] = [hashOf(value), new Date().toISOString()];
  const known = state.credentials.find((one) => one.versionId === versionId);
  if (known) return known.hash === hash ? { credentialId: known.credentialId } : 409;
  const credentialId = randomUUID();
  state.credentials.push({ credentialId, versionId, principal, tag, hash, createdAt, expiresAt });
  keep();
  return { credentialId };
}

function revoke({ credentialId, tag }) {
  const found = state.credentials.find((one) => one.credentialId === credentialId);
  if (!found) return 404;
  if (tag && found.tag !== tag) return 409;
  found.revoked = true;
  keep();
  return {};
}

/** What a program does: not a part of the protocol. Probes of rotor come to /verify, and are not recorded. */
function login({ value }, userAgent = '') {
  const found = state.credentials.find(({ hash }) => hash === hashOf(value));
  if (!found) return 401;
  const outcome = isLive(found) ? 'accepted' : 'refused';
  const [lastAt, credentialId] = [new Date().toISOString(), found.credentialId];
  state.uses.push({ credentialId, outcome, lastAt, count: 1, source: { userAgent } });
  keep();
  return outcome === 'accepted' ? {} : 401;
}

const of = ({ specification: { principal } }) =>
  state.credentials.filter((one) => one.principal === principal);
/** Without what stays here. */
const listed = ({ hash, versionId, principal, ...told }) => told;
const answers = {
  '/': () => ({ protocol: 1, traits }),
  '/list': ({ secret }) => ({ credentials: of(secret).filter(isLive).map(listed) }),
  '/verify': ({ secret, credentialId, value }) => ({
    accepted: of(secret).some(
      (one) => one.credentialId === credentialId && one.hash === hashOf(value) && isLive(one),
    ),
  }),
  '/revoke': revoke,
  '/use': ({ secret, since }) => {
    const ids = new Set(of(secret).map(({ credentialId }) => credentialId));
    const uses = state.uses.filter((use) => ids.has(use.credentialId) && use.lastAt >= since);
    const now = new Date().toISOString();
    return { now, completeThrough: now, uses };
  },
};

function answer({ method, url, headers }, body) {
  if (url === '/login') return login(body, headers['user-agent']);
  if (headers.authorization !== `Bearer ${token}`) return 401;
  const versionId = /^\/credentials\/([^/]+)$/.exec(url)?.[1];
  if (versionId && method === 'PUT') return mint(body, versionId);
  return answers[url]?.(body) ?? 404;
}

async function answerTo(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  try {
    return answer(request, text === '' ? {} : JSON.parse(text));
  } catch {
    return 400;
  }
}

createServer(async (request, response) => {
  const said = await answerTo(request);
  const isStatus = typeof said === 'number';
  response.writeHead(isStatus ? said : 200, { 'content-type': 'application/json' });
  response.end(isStatus ? '' : JSON.stringify(said));
}).listen(Number(port), '127.0.0.1', function () {
  console.log(`http://127.0.0.1:${this.address().port}`);
});
