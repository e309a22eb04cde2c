/**
 * An executor that runs nothing: it answers as the README of the recordings wants it, from what the tasks' data says. Arguments
 * `misbehave=<how>` make it answer wrongly. For tests of what plays the agent's side.
 */
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import { decodeEvent, encodeCall, randomUuid, RecordDecoder, type CallBody, type CallUpdate, type ContentType, type Event, type TaskInfo, type TaskState } from '../../src/mesos/index.ts';

const flag = (name: string): string | undefined => process.argv.find((argument) => argument.startsWith(`--${name}=`))?.slice(name.length + 3);
const misbehaves = (how: string): boolean => process.argv.includes(`misbehave=${how}`);

const env = (name: string): string => process.env[name] ?? '';
const contentType: ContentType = flag('content-type') === 'json' ? 'application/json' : 'application/x-protobuf';
const [host = '', port = ''] = env('MESOS_AGENT_ENDPOINT').split(':');
const token = process.env.MESOS_EXECUTOR_AUTHENTICATION_TOKEN;
const caller = { executor_id: { value: env('MESOS_EXECUTOR_ID') }, framework_id: { value: env('MESOS_FRAMEWORK_ID') } };

const unacknowledged = new Map<string, CallUpdate>();
const live = new Map<string, { uid: string | undefined }>();
let queue: Promise<void> = Promise.resolve();

interface PodLike {
  readonly kind?: string;
  readonly metadata?: { readonly uid?: string };
  readonly spec?: { readonly restartPolicy?: string; readonly containers?: { readonly command?: string[]; readonly resources?: { limits?: { memory?: string } } }[] };
}

function podOf(task: TaskInfo): PodLike | undefined {
  try {
    const bytes = Buffer.from(task.data ?? []);
    const text = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8');
    const pod = parse(text) as PodLike;
    const containers = pod.spec?.containers ?? [];
    const wrong = containers.some((container) => /[^0-9A-Za-z.]/.test(container.resources?.limits?.memory ?? ''));
    return pod.kind === 'Pod' && containers.length > 0 && !wrong ? pod : undefined;
  } catch {
    return undefined;
  }
}

function post(body: CallBody): Promise<number> {
  const bytes = encodeCall({ ...caller, ...body }, contentType);
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': contentType, Accept: contentType, 'Content-Length': bytes.length, ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }) };
    const out = request({ host, port, path: '/api/v1/executor', method: 'POST', agent: false, headers });
    out.on('error', reject).on('response', (response) => {
      if (body.type === 'SUBSCRIBE' && response.statusCode === 200) {
        const decoder = new RecordDecoder();
        response.on('data', (chunk: Buffer) => {
          for (const record of decoder.push(chunk)) onEvent(decodeEvent(record, contentType));
        });
        response.on('error', () => undefined).on('close', () => void setTimeout(subscribe, 50));
      } else {
        response.resume();
      }
      resolve(response.statusCode ?? 0);
    });
    out.end(bytes);
  });
}

function subscribe(): void {
  const again = (): void => void setTimeout(subscribe, 50);
  post({ type: 'SUBSCRIBE', subscribe: { unacknowledged_updates: [...unacknowledged.values()] } }).then((status) => (status === 200 ? undefined : again()), again);
}

/** Sends updates one after the other, each until it is accepted. */
function update(taskId: string, state: TaskState, message?: string): void {
  const uuid = randomUuid();
  const body = { status: { task_id: { value: taskId }, state, source: 'SOURCE_EXECUTOR', executor_id: caller.executor_id, uuid, timestamp: Date.now() / 1000, ...(message === undefined ? {} : { message }) } } as const;
  unacknowledged.set(Buffer.from(uuid).toString('hex'), body);
  queue = queue.then(async () => {
    while ((await post({ type: 'UPDATE', update: body }).catch(() => 0)) !== 202) await new Promise((resolve) => setTimeout(resolve, 50));
  });
}

function launch(task: TaskInfo): void {
  const taskId = task.task_id.value;
  const pod = podOf(task);
  const uid = pod?.metadata?.uid;
  if (pod === undefined || [...live.values()].some((other) => other.uid !== undefined && other.uid === uid)) return update(taskId, 'TASK_ERROR', 'no valid Pod');
  live.set(taskId, { uid });
  update(taskId, 'TASK_STARTING');
  if (misbehaves('silent')) return;
  update(taskId, 'TASK_RUNNING');
  if (pod.spec?.restartPolicy !== 'Never') return;
  const fails = pod.spec.containers?.some(({ command }) => command?.some((part) => part.includes('exit 3'))) === true;
  live.delete(taskId);
  update(taskId, fails ? 'TASK_FAILED' : 'TASK_FINISHED');
}

function kill(taskId: string): void {
  if (!live.delete(taskId)) return;
  update(taskId, 'TASK_KILLING');
  update(taskId, misbehaves('wrong-end') ? 'TASK_FAILED' : 'TASK_KILLED', 'killed as told');
  if (misbehaves('two-ends')) update(taskId, 'TASK_FINISHED');
}

function onEvent(event: Event): void {
  if (event.type === 'ACKNOWLEDGED') unacknowledged.delete(Buffer.from(event.acknowledged.uuid).toString('hex'));
  if (event.type === 'LAUNCH') launch(event.launch.task);
  if (event.type === 'LAUNCH_GROUP') for (const task of event.launch_group.task_group.tasks ?? []) launch(task);
  if (event.type === 'KILL') kill(event.kill.task_id.value);
  if (event.type === 'MESSAGE' && !misbehaves('mute')) queue = queue.then(async () => void (await post({ type: 'MESSAGE', message: { data: event.message.data } })));
  if (event.type === 'LAUNCH' && misbehaves('crash')) process.exit(7);
  if (event.type === 'SHUTDOWN' && !misbehaves('hang')) {
    for (const taskId of [...live.keys()]) kill(taskId);
    queue.then(() => process.exit(misbehaves('exit-1') ? 1 : 0), () => process.exit(1));
  }
}

process.on('SIGTERM', () => process.exit(0));
subscribe();
