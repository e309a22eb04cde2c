/** What people do with kubectl, each tried against the real API as they do it. Throws what is not as it should be. */
import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { until, type Begun, type Client } from './client.ts';

export interface Try {
  readonly name: string;
  /** Why a kubectl of this minor version cannot do it, whatever the node does. */
  readonly unable?: (minor: number) => string | undefined;
  readonly run: (k: Client, minor: number, image: string) => Promise<void>;
}

const FILES = 3_000;
/** From here on kubectl ends a port-forward by itself after the first connection that was refused. */
const ENDS_AFTER_REFUSAL = 23;
/** From here on kubectl knows no other API for debug than that of servers from 1.22 on. */
const ONLY_NEW_DEBUG = 26;

/** What `startPods` of run.ts has started: `box` sleeps and serves HTTP on port 7003; `reader` repeats what it reads until `end`. */
export const TRIES: readonly Try[] = [
  {
    name: 'exec has the exit code of the command, and its errors apart',
    run: async (k) => {
      const { code, stdout, stderr } = await k.run(['exec', 'box', '-c', 'main', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42']);
      deepEqual([code, stdout, stderr], [42, 'out\n', 'err\ncommand terminated with exit code 42\n']);
    },
  },
  {
    name: 'exec -i carries any bytes both ways',
    run: async (k) => {
      const sent = randomBytes(5_000_000);
      const { code, bytes } = await k.run(['exec', '-i', 'box', '-c', 'main', '--', 'cat'], sent);
      deepEqual([code, bytes.equals(sent)], [0, true]);
    },
  },
  {
    name: 'exec takes a command of 100 KB',
    run: async (k) => equal(await k.output(['exec', 'box', '-c', 'main', '--', 'sh', '-c', 'echo ${#1}', 'sh', 'x'.repeat(100_000)]), '100000\n'),
  },
  {
    name: 'exec -it has a terminal of the size of the user\'s, hears Ctrl-C, hands on Ctrl-P',
    run: async (k) => {
      const shell = k.onTerminal('exec -it box -c main -- sh');
      await sized(shell);
      // What is typed comes back, but without its quotes together.
      shell.write(`sh -c 'trap "echo he""ard; exit" INT; echo be""gun; while :; do sleep 0.1; done'\n`);
      await until('what is typed runs', () => shell.stdout.includes('begun'));
      shell.write('\x03');
      await until('Ctrl-C is heard', () => shell.stdout.includes('heard'));
      shell.write("stty raw -echo; echo re''ads; dd bs=1 count=1 2>/dev/null | od -An -tx1; stty sane\n");
      await until('a byte is read', () => shell.stdout.includes('reads'));
      shell.write('\x10');
      await until('Ctrl-P comes through', () => / 10\r?\n/.test(shell.stdout));
      shell.write('exit 9\n');
      equal((await shell.ended()).code, 9);
    },
  },
  {
    name: 'logs -f tells all of a container that ends meanwhile',
    run: async (k, _minor, image) => {
      await k.output(['run', 'talker', `--image=${image}`, '--restart=Never', '--image-pull-policy=IfNotPresent', '--', 'sh', '-c', 'for i in $(seq 100); do echo $i; sleep 0.01; done']);
      await until('the talker runs', async () => /Running|Succeeded/.test(await k.output(['get', 'pod', 'talker', '-o=jsonpath={.status.phase}'])));
      equal(await k.output(['logs', '-f', 'talker']), Array.from({ length: 100 }, (_, i) => `${i + 1}\n`).join(''));
      equal(await k.output(['logs', '--tail=2', 'talker']), '99\n100\n');
    },
  },
  {
    name: 'cp takes a tree with links and modes to a container; links and modes come back through tar',
    run: async (k) => {
      const here = join(k.dir, 'tree');
      mkdirSync(join(here, 'sub'), { recursive: true });
      writeFileSync(join(here, 'sub', 'run.sh'), '#!/bin/sh\n');
      chmodSync(join(here, 'sub', 'run.sh'), 0o751);
      symlinkSync('sub/run.sh', join(here, 'soft'));
      await k.output(['cp', here, 'box:/tree', '-c', 'main']);
      equal(await k.output(['exec', 'box', '-c', 'main', '--', 'sh', '-c', 'stat -c %a /tree/sub/run.sh; readlink /tree/soft']), '751\nsub/run.sh\n');
      // kubectl itself leaves links out on the way back, and modes.
      await k.output(['cp', 'box:/tree', join(k.dir, 'back'), '-c', 'main']);
      equal(readFileSync(join(k.dir, 'back', 'sub', 'run.sh'), 'utf8'), '#!/bin/sh\n');
      const { bytes } = await k.run(['exec', 'box', '-c', 'main', '--', 'tar', 'cf', '-', '-C', '/', 'tree']);
      const listed = execFileSync('tar', ['tvf', '-'], { input: bytes, encoding: 'utf8' });
      match(listed, /^-rwxr-x--x .*tree\/sub\/run\.sh$/m);
      match(listed, /^l.*tree\/soft -> sub\/run\.sh$/m);
    },
  },
  {
    name: `cp takes ${FILES} files there and back`,
    run: async (k) => {
      const [here, back] = [join(k.dir, 'many'), join(k.dir, 'many-back')];
      mkdirSync(here);
      for (let i = 0; i < FILES; i += 1) writeFileSync(join(here, `f${i}`), `${i}\n`.repeat(i % 100));
      await k.output(['cp', here, 'box:/many', '-c', 'main']);
      await k.output(['cp', 'box:/many', back, '-c', 'main']);
      equal(execFileSync('diff', ['-r', here, back], { encoding: 'utf8' }), '');
    },
  },
  {
    name: 'attach joins a container that runs; it ends with its input, and the container has its own still',
    run: async (k) => {
      const first = k.begin('attach', '-i', 'reader');
      first.write('one\n');
      await until('the answer to the first', () => first.stdout.includes('got one\n'));
      first.end();
      equal((await first.ended()).code, 0);
      const next = k.begin('attach', '-i', 'reader');
      next.write('end\n');
      match((await next.ended()).stdout, /got end\n/);
    },
  },
  {
    name: 'run -i --rm takes input, and gives the output and the exit code',
    run: async (k, _minor, image) => {
      const { code, stdout } = await k.run(['run', 'piped', '-i', ...running(image), '--', 'sh', '-c', 'read line; echo "got $line"; exit 4'], 'a line\n');
      equal(code, 4);
      match(stdout, /got a line\n/);
      match((await k.run(['get', 'pod', 'piped'])).stderr, /not found/);
    },
  },
  {
    name: 'run -it --rm is a shell on a terminal',
    run: async (k, _minor, image) => {
      const shell = k.onTerminal('run', 'typed', '-it', ...running(image), '--', 'sh');
      await sized(shell);
      shell.write('exit\n');
      match((await shell.ended()).stdout, /pod "typed" deleted/);
    },
  },
  { name: 'port-forward carries connections, and tells of a port that nobody listens on', run: portForward },
  {
    name: 'top\'s source and the rest of the node are reached through the API',
    run: async (k) => {
      const node = (await k.output(['get', 'pod', 'box', '-o=jsonpath={.spec.nodeName}'])).trim();
      const raw = (path: string): Promise<string> => k.output(['get', '--raw', `/api/v1/nodes/${node}/proxy/${path}`]);
      const series = new RegExp(`^container_cpu_usage_seconds_total\\{container="main",namespace="${k.namespace}",pod="box"\\} \\d`, 'm');
      match(await raw('metrics/resource'), series);
      for (const path of ['pods', 'runningpods', 'stats/summary']) ok((await raw(path)).includes(`"${k.namespace}"`), path);
      equal(await raw('healthz'), 'ok');
    },
  },
  {
    name: 'debug runs a container beside those of a pod',
    unable: (minor) => (minor >= ONLY_NEW_DEBUG ? 'asks for an API that servers have from 1.22 on' : undefined),
    run: async (k, _minor, image) => {
      const debug = k.begin('debug', '-i', 'box', `--image=${image}`, '--image-pull-policy=IfNotPresent', '--target=main', '-c', 'debugger', '--', 'sh', '-c', 'read line; echo "got $line"; ps');
      debug.write('a line\n'); // its end would be that of the output too
      const { stdout } = await debug.ended();
      match(stdout, /got a line\n/);
      match(stdout, /sleep 100001/);
    },
  },
];

const running = (image: string): string[] => ['--rm', '--restart=Never', `--image=${image}`, '--image-pull-policy=IfNotPresent'];

/** Asks until it has the size of the terminal: what comes before a shell reads is lost to it, and its size may come after its prompt. */
async function sized(shell: Begun): Promise<void> {
  await until('a shell of 91 x 27', () => (shell.write('stty size\n'), /27 91\r?\n/.test(shell.stdout)));
}

async function portForward(k: Client, minor: number): Promise<void> {
  const forward = k.begin('port-forward', 'pod/box', ':7003', ':7999');
  const local = async (remote: number): Promise<number> => {
    const line = new RegExp(`127\\.0\\.0\\.1:(\\d+) -> ${remote}\n`);
    await until(`a local port for ${remote}`, () => line.test(forward.stdout));
    return Number(line.exec(forward.stdout)?.[1]);
  };
  const hello = async (): Promise<void> => {
    const connection = connect(await local(7003), '127.0.0.1');
    connection.write('GET /echo?msg=hello HTTP/1.0\r\n\r\n');
    match(await text(connection), /\r\n\r\nhello$/);
  };
  await Promise.all(Array.from({ length: 10 }, hello));
  const refused = connect(await local(7999), '127.0.0.1').on('error', () => undefined).resume();
  await once(refused, 'close');
  await until('words of the port that nobody listens on', () => /7999.*connection refused/.test(forward.stderr));
  if (minor < ENDS_AFTER_REFUSAL) await hello();
  else equal((await forward.ended()).code, 1);
}
