import { open, readdir, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { basename, join, sep } from 'node:path';
import { errorLine, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';

const NOT_FOUND = errorLine(404, '404 page not found');

export interface SystemLogsOptions {
  /** False: the endpoint is off, and says so. */
  readonly enabled: boolean;
  /** What is served, `/var/log`. */
  readonly directory: string;
  /** Where links in it may lead beside itself: a pod that may write there must not read the whole machine through us. */
  readonly linked: readonly string[];
}

/** `/logs/`: the files of the node's log folder, as Go's file server gives them: listings, ranges, conditions. */
export function systemLogRoutes(options: SystemLogsOptions): Route[] {
  const serve = (visit: Visit): Promise<Answer> | Answer => (options.enabled ? file(visit, options) : errorLine(405, 'logs endpoint is disabled.'));
  return [{ methods: options.enabled ? ['GET'] : ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'], pattern: '/logs/*', serve }];
}

/** Flag of open(2), which Node does not name: takes hold of what is there without opening it, as a pipe or a device may not be. */
const O_PATH = 0o10000000;

async function file(visit: Visit, options: SystemLogsOptions): Promise<Answer> {
  const { path } = visit;
  const parts = path.split('/').slice(2);
  if (path.includes('\0') || parts.some((part, i) => part === '..' || part === '.' || (part === '' && i < parts.length - 1))) return NOT_FOUND;
  const held = await open(join(options.directory, ...parts), O_PATH).catch(() => undefined);
  if (held === undefined) return NOT_FOUND;
  try {
    return await served(held, visit, options);
  } finally {
    await held.close();
  }
}

/** What is held is looked at and read by its descriptor only: names may mean something else by now, for whoever may write there. */
async function served(held: FileHandle, { path, request, signal }: Visit, { directory, linked }: SystemLogsOptions): Promise<Answer> {
  const self = `/proc/self/fd/${held.fd}`;
  if (!(await isInside(await readlink(self), [directory, ...linked]))) return NOT_FOUND;
  const found = await held.stat();
  const slash = path.endsWith('/');
  if (found.isDirectory()) return slash ? listing(self) : { status: 301, headers: { location: `${encodeURIComponent(basename(path))}/` } };
  // A pipe or a device would never end.
  if (!found.isFile()) return NOT_FOUND;
  if (slash) return { status: 301, headers: { location: `../${encodeURIComponent(basename(path))}` } };
  const modified = new Date(found.mtimeMs).toUTCString();
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  if (!Number.isNaN(since) && Math.floor(found.mtimeMs / 1000) * 1000 <= since) return { status: 304, headers: { 'last-modified': modified } };
  const range = rangeOf(request.headers.range, found.size);
  if (range === 'none') return { ...errorLine(416, 'invalid range: failed to overlap'), headers: { 'content-range': `bytes */${found.size}` } };
  const content = await open(self, 'r');
  const type = await typeOf(path, content).catch(async (error: unknown) => {
    await content.close();
    throw error;
  });
  const headers = { 'accept-ranges': 'bytes', 'content-type': type, 'last-modified': modified };
  const [from, to] = range ?? [0, found.size - 1];
  if (to < from) {
    await content.close();
    return { status: 200, headers, body: '' };
  }
  // The file may grow while it is read: no more than was promised.
  const body = content.createReadStream({ start: from, end: to, signal });
  const length = { 'content-length': String(to - from + 1) };
  if (range === undefined) return { status: 200, headers: { ...headers, ...length }, body };
  return { status: 206, headers: { ...headers, ...length, 'content-range': `bytes ${from}-${to}/${found.size}` }, body };
}

async function isInside(path: string, folders: readonly string[]): Promise<boolean> {
  const real = await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)));
  return real.some((folder) => folder !== undefined && (path === folder || path.startsWith(`${folder}${sep}`)));
}

async function listing(path: string): Promise<Answer> {
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.map((entry) => `${entry.name}${entry.isDirectory() ? '/' : ''}`).sort();
  const lines = names.map((name) => `<a href="${name.split('/').map(encodeURIComponent).join('/')}">${escaped(name)}</a>\n`);
  return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: `<pre>\n${lines.join('')}</pre>\n` };
}

function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;' };
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char);
}

/** First and last byte; `undefined` for the whole file (also for what we do not know, such as several ranges), `none` when there are no such bytes. */
export function rangeOf(header: string | undefined, size: number): readonly [number, number] | 'none' | undefined {
  const [, first = '', last = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return Number(last) === 0 ? 'none' : [Math.max(0, size - Number(last)), size - 1];
  if (Number(first) >= size || (last !== '' && Number(last) < Number(first))) return 'none';
  return [Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1)];
}

/** Text unless it begins with what no text has. */
async function typeOf(path: string, content: FileHandle): Promise<string> {
  if (path.endsWith('.gz')) return 'application/gzip';
  const { bytesRead, buffer } = await content.read(Buffer.alloc(512), 0, 512, 0);
  return buffer.subarray(0, bytesRead).includes(0) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}
