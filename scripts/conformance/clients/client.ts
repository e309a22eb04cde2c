/** A kubectl as people use it: commands that end, commands that go on, commands on a terminal. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Done {
  /** -1 when a signal ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of standard output. */
  readonly bytes: Buffer;
}

/** How long anything may take, milliseconds: a person would have given up. */
const PATIENCE_MS = 30_000;
const POLL_MS = 50;

/** Resolves as soon as `check` holds; throws with `what` when it does not in time. */
export async function until(what: string, check: () => Promise<boolean> | boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await check()); await sleep(POLL_MS)) {
    if (Date.now() > end) throw new Error(`did not come about in ${PATIENCE_MS / 1000} s: ${what}`);
  }
}

/** A kubectl at work. */
export class Begun {
  readonly #process: ChildProcess;
  readonly #out: Buffer[] = [];
  readonly #err: Buffer[] = [];
  readonly done: Promise<Done>;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.#process = spawn(command, args, { env, stdio: 'pipe' });
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#out.push(chunk));
    this.#process.stderr?.on('data', (chunk: Buffer) => this.#err.push(chunk));
    this.#process.stdin?.on('error', () => undefined); // it may end without having read all
    this.done = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code) => resolve({ code: code ?? -1, stdout: this.stdout, stderr: this.stderr, bytes: Buffer.concat(this.#out) }));
    });
    this.done.catch(() => undefined); // told to whoever waits
  }

  get stdout(): string {
    return Buffer.concat(this.#out).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#err).toString();
  }

  write(text: string): void {
    this.#process.stdin?.write(text);
  }

  end(input: string | Buffer = ''): void {
    this.#process.stdin?.end(input);
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<Done> {
    const patience = setTimeout(() => this.kill(), PATIENCE_MS);
    try {
      return await this.done;
    } finally {
      clearTimeout(patience);
    }
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

export interface ClientOptions {
  /** The program, with its path unless it is to be looked for. */
  readonly file: string;
  readonly kubeconfig: string;
  readonly namespace: string;
  /** For its cache and the files of who uses it. */
  readonly dir: string;
}

/** One kubectl, whose commands are about one namespace. Disposing of it ends those that still run. */
export class Client implements Disposable {
  readonly dir: string;
  readonly namespace: string;
  readonly #options: ClientOptions;
  readonly #begun: Begun[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.dir = options.dir;
    this.namespace = options.namespace;
  }

  begin(...args: string[]): Begun {
    return this.#begin(this.#options.file, [`--namespace=${this.namespace}`, ...args]);
  }

  /** On a terminal of its own, of 91 x 27 characters; the arguments are words of a shell. */
  onTerminal(...words: string[]): Begun {
    return this.#begin('script', ['-qfec', `stty cols 91 rows 27; exec ${this.#options.file} --namespace=${this.namespace} ${words.join(' ')}`, '/dev/null']);
  }

  async run(args: readonly string[], input?: string | Buffer): Promise<Done> {
    const begun = this.begin(...args);
    begun.end(input);
    return begun.ended();
  }

  /** Standard output of a command that must succeed. */
  async output(args: readonly string[], input?: string | Buffer): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ').slice(0, 200)}: exit code ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  [Symbol.dispose](): void {
    for (const begun of this.#begun) begun.kill();
  }

  #begin(command: string, args: readonly string[]): Begun {
    const begun = new Begun(command, args, { ...process.env, KUBECONFIG: this.#options.kubeconfig, HOME: this.dir });
    this.#begun.push(begun);
    return begun;
  }
}

/** `v1.20.2` of that kubectl; undefined where there is none. */
export async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(file, ['version', '--client', '-o', 'json']);
    return (JSON.parse(stdout) as { clientVersion: { gitVersion: string } }).clientVersion.gitVersion;
  } catch {
    return undefined;
  }
}
