/** What reads bytes that others wrote, under random bytes: each takes them or refuses them with an error of ours, and holds no more than they are. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { isCode, Journal, systemClock } from '../../../src/base/index.ts';
import { parseEvent } from '../../../src/docker/events.ts';
import { FrameReader } from '../../../src/docker/frames.ts';
import { linesOf } from '../../../src/docker/lines.ts';
import { ExecutorState, type JournalEntry } from '../../../src/executor/journal-entry.ts';
import { Memory } from '../../../src/executor/memory.ts';
import { type ContentType, decodeCall, decodeEvent, encodeCall, encodeEvent, encodeRecord, type MesosEnvironment, RecordDecoder, type TaskInfo } from '../../../src/mesos/index.ts';
import { parsePod } from '../../../src/pod/index.ts';
import { silentLogger } from '../../../src/telemetry/index.ts';

/** Of an executor of this version with a job that has ended, a container that crashes, and a pod that is being killed. */
const JOURNAL = join(import.meta.dirname, '../../fixtures/journal/version-1.jsonl');

export interface Reader {
  readonly name: string;
  /** Throws when any of `inputs` inputs is taken badly. */
  readonly fuzz: (inputs: number, seed: number) => Promise<void>;
}

const task: TaskInfo = { name: 'task', task_id: { value: 'a-task' }, agent_id: { value: 'an-agent' }, resources: [], data: Buffer.from('{"kind":"Pod"}') };
const LAUNCH = { type: 'LAUNCH', launch: { task } } as const;
const UPDATE = {
  type: 'UPDATE', framework_id: { value: 'f' }, executor_id: { value: 'e' },
  update: { status: { task_id: { value: 'a-task' }, state: 'TASK_RUNNING', source: 'SOURCE_EXECUTOR', uuid: Buffer.alloc(16, 7), healthy: true, message: 'hello' } },
} as const;
const TYPES: readonly ContentType[] = ['application/x-protobuf', 'application/json'];
const POD = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', uid: 'b' }, spec: { containers: [{ name: 'c', image: 'd', resources: { limits: { memory: '1Gi' } } }] } }));

/** Bytes like good ones, with something wrong: cut, changed, doubled, or nothing but noise. */
function damaged(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat({ max: good.length });
  const noise = fc.uint8Array({ maxLength: 12 });
  return fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    at.map((end) => good.slice(0, end)),
    fc.tuple(at, noise).map(([from, bytes]) => Buffer.concat([good.subarray(0, from), bytes, good.subarray(from)])),
    fc.tuple(at, noise).map(([from, bytes]) => Buffer.concat([good.subarray(0, from), bytes, good.subarray(from + bytes.length)])),
    fc.tuple(at, at).map(([a, b]) => Buffer.concat([good, good.subarray(Math.min(a, b), Math.max(a, b))])),
  );
}

/** Runs it; an error of ours is a good answer. */
function refusable(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isCode(error, 'invalid')) throw error;
  }
}

function pure(name: string, good: Uint8Array, read: (bytes: Uint8Array, cut: number) => unknown): Reader {
  return {
    name,
    fuzz: (inputs, seed) => {
      fc.assert(fc.property(damaged(good), fc.nat({ max: 400 }), (bytes, cut) => refusable(() => read(bytes, cut))), { numRuns: inputs, seed });
      return Promise.resolve();
    },
  };
}

function* halves(bytes: Uint8Array, cut: number): Generator<Uint8Array> {
  yield bytes.subarray(0, cut);
  yield bytes.subarray(cut);
}

const entries: JournalEntry[] = [
  { kind: 'run', run: '/sandbox', nodeName: 'node' },
  { kind: 'ledger', entry: { kind: 'task', task: Buffer.from('x').toString('base64') } as never },
  { kind: 'order', taskId: 't', order: { cause: { kind: 'mesos-kill', message: 'm' }, strict: true, deleted: false } },
  { kind: 'former', pod: { uid: 'u', namespace: 'n', name: 'p' } },
  { kind: 'buried', uid: 'u' },
  { kind: 'settled', taskId: 't' },
];

export const READERS: readonly Reader[] = [
  pure('RecordIO', Buffer.concat([encodeRecord(Buffer.from('first')), encodeRecord(Buffer.alloc(40, 1)), encodeRecord(Buffer.alloc(0))]), (bytes, cut) => {
    const decoder = new RecordDecoder({ limitBytes: 1000 });
    let read = 0;
    for (const half of halves(bytes, cut)) for (const record of decoder.push(half)) read += record.length;
    if (read > bytes.length) throw new Error(`${read} bytes of records in ${bytes.length}`);
  }),
  ...TYPES.flatMap((type) => [
    pure(`events as ${type}`, encodeEvent(LAUNCH, type), (bytes) => decodeEvent(bytes, type)),
    pure(`calls as ${type}`, encodeCall(UPDATE, type), (bytes) => decodeCall(bytes, type)),
  ]),
  pure("the Engine's frames", Buffer.from([1, 0, 0, 0, 0, 0, 0, 5, 104, 101, 108, 108, 111, 2, 0, 0, 0, 0, 0, 0, 1, 33]), (bytes, cut) => {
    let read = 0;
    const frames = new FrameReader((payload) => (read += payload.length));
    for (const half of halves(bytes, cut)) frames.push(Buffer.from(half));
    if (read > bytes.length) throw new Error(`${read} bytes of payload in ${bytes.length}`);
  }),
  pure("the Engine's events", Buffer.from('{"status":"die","id":"a","Type":"container","Action":"die","Actor":{"ID":"a","Attributes":{"x":"\\"timeNano\\":1"}},"time":1,"timeNano":1795383289000000001}'), (bytes) => parseEvent(Buffer.from(bytes).toString())),
  {
    name: 'lines',
    fuzz: (inputs, seed) =>
      fc.assert(fc.asyncProperty(damaged(Buffer.from('one\ntwo\r\n\nthree')), fc.nat({ max: 400 }), async (bytes, cut) => {
        let length = 0;
        for await (const line of linesOf(Readable.from([...halves(bytes, cut)].map((half) => Buffer.from(half))))) length += line.length;
        if (length > bytes.length) throw new Error(`${length} characters of lines in ${bytes.length} bytes`);
      }), { numRuns: inputs, seed }),
  },
  {
    name: 'pods',
    fuzz: (inputs, seed) =>
      fc.assert(fc.asyncProperty(damaged(POD), async (bytes) => {
        await parsePod(bytes).catch((error: unknown) => {
          if (!isCode(error, 'invalid')) throw error;
        });
      }), { numRuns: inputs, seed }),
  },
  {
    name: 'the journal',
    fuzz: async (inputs, seed) => {
      const dir = scratch();
      const path = join(dir, 'journal');
      try {
        const good = await journalOf(path, entries);
        await fc.assert(fc.asyncProperty(damaged(good), async (bytes) => {
          writeFileSync(path, bytes);
          let opened: ReturnType<typeof Journal.open<JournalEntry>> | undefined;
          refusable(() => (opened = Journal.open<JournalEntry>(path, { snapshot: () => [], onError: () => undefined })));
          if (opened === undefined) return;
          ExecutorState.restore(opened.entries);
          await opened.journal.close();
        }), { numRuns: inputs, seed });
      } finally {
        rmSync(dir, { recursive: true });
      }
    },
  },
  {
    name: 'a journal cut anywhere',
    fuzz: async (inputs) => {
      const good = readFileSync(JOURNAL);
      const rootDir = scratch();
      try {
        // At every byte, where there are inputs enough.
        const step = Math.max(1, Math.ceil(good.length / inputs));
        for (let end = 0; end <= good.length; end += step) await opens(rootDir, good.subarray(0, end));
      } finally {
        rmSync(rootDir, { recursive: true });
      }
    },
  },
];

/** The executor opens a journal of these bytes, and what it makes of it can be written down again. */
async function opens(rootDir: string, bytes: Uint8Array): Promise<void> {
  const environment = { frameworkId: 'framework-1', executorId: 'executor-1', sandbox: '/var/lib/example/sandbox-0' } as MesosEnvironment;
  mkdirSync(join(rootDir, 'journal'), { recursive: true });
  writeFileSync(join(rootDir, 'journal', 'framework-1.executor-1.jsonl'), bytes);
  const memory = new Memory({ rootDir, environment, clock: systemClock, logger: silentLogger });
  for (const _ of memory.state.entries(memory.ledger.entries())) continue;
  await memory.close();
}

/** In memory, where there is such a place: each torn journal is rewritten and synced. */
function scratch(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'km-fuzz-'));
}

/** The bytes of a journal that holds these. */
async function journalOf(path: string, all: readonly JournalEntry[]): Promise<Buffer> {
  const { journal } = Journal.open<JournalEntry>(path, { snapshot: () => [], onError: () => undefined });
  for (const entry of all) journal.append(entry);
  await journal.close();
  return readFileSync(path);
}
