/** openapi.yaml of the issuer `http`, made of what its requests and answers are checked by. */
import { stringify } from 'yaml';
import { z } from 'zod';
import * as protocol from '../../issuers/http/protocol.js';

type Json = Readonly<Record<string, unknown>>;

const schemas = {
  Description: protocol.Description,
  MintRequest: protocol.MintRequest,
  MintReply: protocol.MintReply,
  ListRequest: protocol.ListRequest,
  ListReply: protocol.ListReply,
  VerifyRequest: protocol.VerifyRequest,
  VerifyReply: protocol.VerifyReply,
  RevokeRequest: protocol.RevokeRequest,
  UseRequest: protocol.UseRequest,
  UseReply: protocol.UseReply,
};

type Name = keyof typeof schemas;

function content(name: Name): Json {
  return { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } };
}

interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly request?: Name;
  readonly reply?: Name;
  readonly others?: Readonly<Record<string, string>>;
  readonly parameters?: readonly Json[];
}

function operation({ id, summary, request, reply, others = {}, parameters }: Operation): Json {
  const fine = reply === undefined ? {} : { content: content(reply) };
  const told = { '401': 'the token is not the right one', ...others };
  return {
    operationId: id,
    summary,
    ...(parameters === undefined ? {} : { parameters }),
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: content(request) } }),
    responses: {
      '200': { description: 'done', ...fine },
      ...Object.fromEntries(
        Object.entries(told).map(([status, description]) => [status, { description }]),
      ),
    },
  };
}

const refused = { '422': 'the specification is not one that this server serves' };

const paths = {
  '/': {
    get: operation({ id: 'describe', summary: 'What this server is', reply: 'Description' }),
  },
  '/credentials/{versionId}': {
    put: operation({
      id: 'mint',
      summary: 'Make the credential of a version; asked for again it is the same one',
      parameters: [
        {
          name: 'versionId',
          in: 'path',
          required: true,
          schema: { type: 'string', format: 'uuid' },
        },
      ],
      request: 'MintRequest',
      reply: 'MintReply',
      others: {
        '409': 'there is no room for another, or the version has another value already',
        ...refused,
      },
    }),
  },
  '/list': {
    post: operation({
      id: 'list',
      summary: 'All credentials of the principal that live, whoever made them',
      request: 'ListRequest',
      reply: 'ListReply',
      others: refused,
    }),
  },
  '/verify': {
    post: operation({
      id: 'verify',
      summary: 'Whether this value is that of this credential, and would be let in now',
      request: 'VerifyRequest',
      reply: 'VerifyReply',
    }),
  },
  '/revoke': {
    post: operation({
      id: 'revoke',
      summary: 'End the credential for ever; gone already is fine',
      request: 'RevokeRequest',
      others: { '404': 'there is none (any more)', '409': 'the credential carries another tag' },
    }),
  },
  '/use': {
    post: operation({
      id: 'use',
      summary:
        'Who used the credentials of the principal since then; not where useRecord is absent',
      request: 'UseRequest',
      reply: 'UseReply',
    }),
  },
};

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}

export function openApiDocument(): { readonly value: unknown; readonly text: string } {
  const components = Object.entries(schemas).map(([name, schema]) => [name, schemaOf(schema)]);
  const value = {
    openapi: '3.1.0',
    info: {
      title: 'An issuer of your own, for rotor',
      version: String(protocol.protocolVersion),
      description: 'docs/your-own-issuer.md says what has to hold besides the shapes.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'https://issuer.example.org' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(components) as Json,
    },
  };
  return { value: JSON.parse(JSON.stringify(value)) as unknown, text: stringify(value) };
}
