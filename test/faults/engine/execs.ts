import { randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { StandInContainer } from './container.ts';
import { frame } from './logs.ts';
import { ScriptedProcess } from './process.ts';
import { Refusal } from './refusal.ts';
import { scriptOf } from './script.ts';

export interface Exec {
  readonly container: StandInContainer;
  readonly command: readonly string[];
  running: boolean;
  code: number | null;
}

export type Execs = Map<string, Exec>;

export function createExec(execs: Execs, container: StandInContainer, { Cmd: command = [] }: { Cmd?: string[] }): { Id: string } {
  if (!container.running) throw new Refusal(409, `Container ${container.id} is not running`);
  const id = randomBytes(32).toString('hex');
  execs.set(id, { container, command, running: false, code: null });
  return { Id: id };
}

export async function startExec(execs: Execs, id: string, response: ServerResponse): Promise<void> {
  const exec = known(execs, id);
  const steps = scriptOf(exec.command);
  if (!exec.container.running) throw new Refusal(409, `Container ${exec.container.id} is not running`);
  response.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' }).flushHeaders();
  exec.running = true;
  const code = await new Promise<number>((resolve) => {
    if (steps === undefined) return resolve(126);
    const process = new ScriptedProcess({
      steps,
      hostPath: (path) => exec.container.hostPath(path),
      say: (text, to) => response.write(frame(text, to)),
      onEnd: resolve,
    });
    void exec.container.ended().then(() => process.signal('SIGKILL'));
    process.run();
  });
  exec.running = false;
  exec.code = code;
  response.end();
}

export function inspectedExec(execs: Execs, id: string): object {
  const { container, running, code } = known(execs, id);
  return { ID: id, Running: running, ExitCode: code, Pid: running ? container.pid : 0, ContainerID: container.id };
}

function known(execs: Execs, id: string): Exec {
  const exec = execs.get(id);
  if (exec === undefined) throw new Refusal(404, `No such exec instance: ${id}`);
  return exec;
}
