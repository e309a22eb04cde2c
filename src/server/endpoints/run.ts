import { Writable } from 'node:stream';
import type { Containers } from '../contract.ts';
import type { NodePods } from '../containers/node-pods.ts';
import { Refusal, type Answer } from '../http/answer.ts';
import type { Route, Visit } from '../http/router.ts';
import { findContainer } from './remote-command.ts';

/** Output of one command that is kept, bytes, each of stdout and stderr; more is dropped. */
const OUTPUT_BYTES = 16 * 2 ** 20;

/** `/run`: runs `?cmd=` (words apart by spaces) and answers with what it wrote (Kubernetes v1.20 pkg/kubelet/server/server.go getRun). */
export function runRoutes(pods: NodePods, containers: Containers): Route[] {
  const serve = async ({ params, query, signal }: Visit): Promise<Answer> => {
    const { namespace = '', pod = '', uid, container = '' } = params;
    if (pods.find(namespace, pod) === undefined) throw Refusal.of(404, 'pod does not exist');
    const found = findContainer(containers, namespace, pod, uid, container);
    const command = (query.get('cmd') ?? '').split(' ');
    const [stdout, stderr] = [new Kept(), new Kept()];
    const end = await containers.exec(found, command, false, { stdout, stderr, signal });
    if (end.kind === 'failed') throw Refusal.of(500, end.message);
    if (end.code !== 0) throw Refusal.of(500, `command '${command.join(' ')}' exited with ${end.code}: ${stderr.bytes().toString()}`);
    // The kubelet calls it JSON whatever it is.
    return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.concat([stdout.bytes(), stderr.bytes()]) };
  };
  return ['/run/{namespace}/{pod}/{container}', '/run/{namespace}/{pod}/{uid}/{container}'].map((pattern) => ({ methods: ['POST'], pattern, serve }));
}

class Kept extends Writable {
  readonly #chunks: Buffer[] = [];
  #size = 0;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const room = OUTPUT_BYTES - this.#size;
    if (room > 0) this.#chunks.push(chunk.subarray(0, room));
    this.#size += Math.min(chunk.length, room);
    done();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
