import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { ApiError, badRequest, unsupportedMedia } from './api-error.ts';
import { isProxied } from './paths.ts';
import { readProtobuf } from './protobuf.ts';
import { resourceOfKind, RESOURCES } from './resources.ts';

/** Bytes of a request body that are read at most, as with the real server. */
const LARGEST_BODY = 3 * 1024 * 1024;
/** Bytes up to which the rest of a body that is too large is let run, so that the client hears why; beyond it the connection is cut. */
const MOST_DRAINED = 16 * LARGEST_BODY;

/** One request, read off the wire as far as it is needed. */
export interface Call {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string | undefined;
  readonly userAgent: string;
  /** Without parameters, lower case; `''` where none was sent. */
  readonly contentType: string;
  readonly body: Buffer;
  readonly user: User;
}

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

/** A request with its body, which stays with the request where it is for somebody else. Throws a 400 or a 413. */
export async function readCall(request: IncomingMessage, user: User): Promise<Call> {
  const head = headOf(request, user);
  return isProxied(head.path) ? head : { ...head, body: await readBody(request) };
}

/** A request without its body. Throws a 400. */
export function headOf(request: IncomingMessage, user: User): Call {
  const text = request.url ?? '/';
  const url = URL.canParse(text, 'http://unused') ? new URL(text, 'http://unused') : undefined;
  if (url === undefined) throw badRequest('the path of the request is no path');
  return {
    method: request.method ?? 'GET',
    url: text,
    path: url.pathname,
    query: url.searchParams,
    accept: request.headers.accept,
    userAgent: request.headers['user-agent'] ?? '',
    contentType: (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '',
    body: Buffer.alloc(0),
    user,
  };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= LARGEST_BODY) chunks.push(chunk);
    else if (size > MOST_DRAINED) break;
    else chunks.length = 0;
  }
  if (size > LARGEST_BODY) throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${LARGEST_BODY}`);
  return Buffer.concat(chunks);
}

/** The body as data: JSON, or YAML or protobuf where the content type says so. Undefined without a body. Throws a 400 or a 415. */
export function parseBody(call: Call): unknown {
  if (call.body.length === 0) return undefined;
  const text = call.body.toString('utf8');
  switch (call.contentType) {
    case '':
    case 'application/json':
    case 'application/json-patch+json':
    case 'application/merge-patch+json':
    case 'application/strategic-merge-patch+json':
      return parsed(() => JSON.parse(text) as unknown, 'json');
    case 'application/yaml':
    case 'application/apply-patch+yaml':
      return parsed(() => parseYaml(text) as unknown, 'yaml');
    case 'application/vnd.kubernetes.protobuf':
      return readProtobuf(call.body, typeNamed);
    default:
      throw unsupportedMedia(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']);
  }
}

/** The schema's name for a type: that of a resource, or of something that only subresources take. */
function typeNamed(apiVersion: string, kind: string): string | undefined {
  const subresource = RESOURCES.flatMap((resource) => resource.subresources).find((sub) => sub.kind === kind && `${sub.group ?? ''}/${sub.version ?? ''}` === apiVersion);
  return resourceOfKind(apiVersion, kind)?.type ?? subresource?.kind ?? (kind === 'DeleteOptions' ? kind : undefined);
}

function parsed(read: () => unknown, format: string): unknown {
  try {
    return read();
  } catch (error) {
    throw badRequest(`couldn't get version/kind; ${format} parse error: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A query parameter that is a whole number; undefined where it is missing or empty. Throws a 400. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** A query parameter that says yes: present and not `false` or `0`. */
export function flagIn(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== 'false' && text !== '0';
}
