import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Body } from './container.ts';
import { createExec, inspectedExec, startExec } from './execs.ts';
import { imageNamed, IMAGES, inspectedImage } from './images.ts';
import { engineInfo, engineVersion, inspected, summary } from './inspected.ts';
import { sendLog } from './logs.ts';
import { Refusal } from './refusal.ts';
import type { StandInEngine } from './stand-in-engine.ts';

interface Asked {
  readonly engine: StandInEngine;
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

type Route = readonly [method: string, path: RegExp, answer: (asked: Asked) => unknown];

/** Each answers with a JSON body, with nothing (204), or by itself (`DONE`). */
const DONE = Symbol('answered');

const ROUTES: readonly Route[] = [
  ['GET', /^\/version$/, () => engineVersion()],
  ['GET', /^\/info$/, ({ engine }) => engineInfo(engine)],
  ['GET', /^\/_ping$/, () => 'OK'],
  ['GET', /^\/events$/, follow],
  ['GET', /^\/containers\/json$/, ({ engine, query }) => engine.list(filters(query).label ?? [], ['1', 'true'].includes(query.get('all') ?? '')).map(summary)],
  ['POST', /^\/containers\/create$/, create],
  ['GET', /^\/containers\/([^/]+)\/json$/, ({ engine, parts: [id = ''] }) => inspected(engine.find(id))],
  ['POST', /^\/containers\/([^/]+)\/start$/, ({ engine, parts: [id = ''], response }) => (engine.start(engine.find(id)) ? undefined : notModified(response))],
  ['POST', /^\/containers\/([^/]+)\/stop$/, async ({ engine, parts: [id = ''], query, response }) => ((await engine.stop(engine.find(id), Number(query.get('t') ?? 10) * 1000)) ? undefined : notModified(response))],
  ['POST', /^\/containers\/([^/]+)\/kill$/, kill],
  ['POST', /^\/containers\/([^/]+)\/wait$/, wait],
  ['DELETE', /^\/containers\/([^/]+)$/, ({ engine, parts: [id = ''], query }) => engine.remove(engine.find(id), ['1', 'true'].includes(query.get('force') ?? ''))],
  ['GET', /^\/containers\/([^/]+)\/logs$/, ({ engine, parts: [id = ''], query, response }) => sent(sendLog(engine.find(id), query, response))],
  ['POST', /^\/containers\/([^/]+)\/exec$/, async ({ engine, parts: [id = ''], request, response }) => created(response, createExec(engine.execs, engine.find(id), (await json(request)) as { Cmd?: string[] }))],
  ['POST', /^\/exec\/([^/]+)\/start$/, async ({ engine, parts: [id = ''], request, response }) => {
    await json(request);
    return sent(startExec(engine.execs, id, response));
  }],
  ['GET', /^\/exec\/([^/]+)\/json$/, ({ engine, parts: [id = ''] }) => inspectedExec(engine.execs, id)],
  ['GET', /^\/images\/json$/, () => IMAGES.map(inspectedImage)],
  ['GET', /^\/images\/(.+)\/json$/, image],
  ['POST', /^\/images\/create$/, pull],
];

export async function serve(engine: StandInEngine, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://docker');
  const path = url.pathname.replace(/^\/v\d+\.\d+(?=\/)/, '');
  try {
    const last = path.split('/').at(-1) ?? '';
    const ms = engine.latency(request.method === 'DELETE' ? 'delete' : last);
    if (ms > 0) await sleep(ms);
    for (const [method, form, answer] of ROUTES) {
      const match = method === request.method ? form.exec(path) : null;
      if (match === null) continue;
      const body = await answer({ engine, parts: match.slice(1).map(decodeURIComponent), query: url.searchParams, request, response });
      if (body === DONE) return;
      if (body === undefined) response.writeHead(204).end();
      else send(response, 200, body);
      return;
    }
    throw new Refusal(404, 'page not found');
  } catch (error) {
    if (response.headersSent) response.destroy();
    else send(response, error instanceof Refusal ? error.status : 500, { message: error instanceof Error ? error.message : String(error) });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

function filters(query: URLSearchParams): Record<string, string[] | undefined> {
  return JSON.parse(query.get('filters') ?? '{}') as Record<string, string[]>;
}

function notModified(response: ServerResponse): typeof DONE {
  response.writeHead(304).end();
  return DONE;
}

function created(response: ServerResponse, body: object): typeof DONE {
  send(response, 201, body);
  return DONE;
}

async function sent(sending: Promise<void> | void): Promise<typeof DONE> {
  await sending;
  return DONE;
}

async function create({ engine, query, request, response }: Asked): Promise<typeof DONE> {
  const body = (await json(request)) as Body;
  return created(response, { Id: engine.create(query.get('name') ?? '', body).id, Warnings: [] });
}

function kill({ engine, parts: [id = ''], query }: Asked): void {
  const container = engine.find(id);
  if (!container.running) throw new Refusal(409, `Cannot kill container: ${id}: Container ${container.id} is not running`);
  container.signal(query.get('signal') ?? 'SIGKILL');
}

/** The head comes at once, the body with the end. */
async function wait({ engine, parts: [id = ''], response }: Asked): Promise<typeof DONE> {
  const container = engine.find(id);
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  const code = await container.ended();
  response.end(`${JSON.stringify({ Error: null, StatusCode: code })}\n`);
  return DONE;
}

function image({ parts: [name = ''] }: Asked): object {
  const found = imageNamed(name);
  if (found === undefined) throw new Refusal(404, `No such image: ${name.includes(':') ? name : `${name}:latest`}`);
  return inspectedImage(found);
}

/** There is no registry: what is here is "pulled", all else is not known. */
function pull({ query, response }: Asked): typeof DONE {
  const name = `${query.get('fromImage') ?? ''}:${query.get('tag') ?? 'latest'}`;
  if (imageNamed(name) === undefined) throw new Refusal(404, `pull access denied for ${query.get('fromImage') ?? ''}, repository does not exist or may require 'docker login'`);
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify({ status: `Status: Image is up to date for ${name}` })}\r\n`);
  return DONE;
}

function follow({ engine, query, response }: Asked): typeof DONE {
  const { type = [], event = [], label = [] } = filters(query);
  const since = query.get('since');
  response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  const end = engine.events.follow(since === null ? undefined : nanosOf(since), { types: type, actions: event, labels: label }, (line) => response.write(line));
  response.on('close', end);
  return DONE;
}

function nanosOf(text: string): bigint {
  const [seconds = '0', nanos = ''] = text.split('.');
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos.padEnd(9, '0').slice(0, 9));
}
