/** Kubernetes' own end-to-end suite, run by ginkgo against a cluster. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_NAME } from './control-plane.ts';
import { readResults } from './junit.ts';
import { Program } from './programs.ts';

export interface SuiteOptions {
  /** Their names. */
  readonly specs: readonly string[];
  /** Specs that run at a time. */
  readonly parallel: number;
  /** After so long whatever still runs is stopped, milliseconds. */
  readonly limitMs: number;
  /** Where the programs are. */
  readonly bin: string;
  readonly kubeconfig: string;
  /** Where the suite looks for its images (Kubernetes v1.20 test/utils/image/manifest.go); those not named keep their places. */
  readonly repositories: Readonly<Record<string, string>>;
  /** File with the passwords of registries. */
  readonly dockerConfig: string;
  /** For files that the suite needs while it runs. */
  readonly dir: string;
  /** Folder for the junit files and the logs. */
  readonly results: string;
  /** Called when specs are over, while others run on. */
  readonly tidyUp: () => Promise<void>;
  readonly signal: AbortSignal;
}

export interface SuiteEnd {
  /** Why the suite ended though not all of it ran, or without a junit file; undefined: it ran to its end. */
  readonly trouble: string | undefined;
  readonly logs: readonly string[];
}

/** In the names of specs that no other may run beside. */
const SERIAL = '[Serial]';

/** ginkgo's own limit strikes first: then there are junit files. */
const SPARE_MS = 60_000;
const POLL_MS = 500;
const LIST_MS = 120_000;

/** The names of the specs that focus and skip select. Throws what the suite says of expressions that are none. */
export function listSpecs(bin: string, focus: string, skip: string): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'km-specs-'));
  try {
    const { stdout, stderr, status, error } = spawnSync(
      join(bin, 'e2e.test'),
      [`--ginkgo.focus=${focus}`, `--ginkgo.skip=${skip}`, '--ginkgo.dryRun', '--ginkgo.noColor', '--provider=skeleton', `--report-dir=${dir}`],
      { cwd: dir, encoding: 'utf8', maxBuffer: 2 ** 28, timeout: LIST_MS },
    );
    if (status !== 0) throw error ?? new Error(`the suite does not tell which specs it would run:\n${`${stdout}${stderr}`.slice(-1_000)}`);
    return readResults(dir).map(({ name }) => name);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The expression that selects exactly these specs. */
export function exactly(names: readonly string[]): string {
  return `^Kubernetes e2e suite \\[Top Level\\] (${names.map((name) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')})$`;
}

/** Runs specs at a time, and then one by one those that want the node for themselves; each is told on a line when it is over. */
export async function runSuite(options: SuiteOptions): Promise<SuiteEnd> {
  const { specs, parallel, limitMs, signal } = options;
  const [alone, together] = parallel === 1 ? [[], specs] : [specs.filter((name) => name.includes(SERIAL)), specs.filter((name) => !name.includes(SERIAL))];
  const limit = AbortSignal.timeout(limitMs);
  const end = performance.now() + limitMs;
  const told = new Progress(specs.length);
  const environment = writeEnvironment(options);
  const logs: string[] = [];
  for (const pass of [{ name: 'e2e', names: together, parallel }, { name: 'e2e-serial', names: alone, parallel: 1 }]) {
    if (pass.names.length === 0) continue;
    const trouble = await runPass({ ...options, ...pass, environment, limit, leftMs: end - performance.now(), told });
    logs.push(join(options.results, `${pass.name}.log`));
    if (trouble !== undefined || signal.aborted) return { trouble, logs };
  }
  return { trouble: undefined, logs };
}

interface Pass extends SuiteOptions {
  readonly name: string;
  readonly names: readonly string[];
  readonly environment: Environment;
  readonly limit: AbortSignal;
  readonly leftMs: number;
  readonly told: Progress;
}

interface Environment {
  readonly hosts: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** The files that the suite needs while it runs. */
function writeEnvironment({ bin, dir, kubeconfig, repositories }: SuiteOptions): Environment {
  const home = join(dir, 'home');
  mkdirSync(home);
  const hosts = join(dir, 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost ${API_NAME}\n`);
  const list = join(dir, 'repositories.yaml');
  writeFileSync(list, JSON.stringify(repositories));
  return { hosts, variables: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: home, TMPDIR: dir, KUBECONFIG: kubeconfig, KUBE_TEST_REPO_LIST: list } };
}

/** Resolves with why it ended though not all of it ran. */
async function runPass({ name, names, parallel, environment, bin, dir, results, kubeconfig, dockerConfig, tidyUp, signal, limit, limitMs, leftMs, told }: Pass): Promise<string | undefined> {
  await using suite = new Program(
    {
      name,
      file: 'unshare',
      stopSignal: 'SIGINT', // then the specs clean up
      cwd: dir, // ginkgo takes paths relative to it
      env: environment.variables,
      arguments: [
        // A mount namespace with a hosts file of its own: only there API_NAME means anything.
        ...['--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', environment.hosts, join(bin, 'ginkgo')],
        ...[`--nodes=${parallel}`, `--focus=${exactly(names)}`, `--timeout=${Math.max(1, Math.round((leftMs - SPARE_MS) / 1000))}s`],
        ...['--noColor', '--seed=1', '--slowSpecThreshold=300', join(bin, 'e2e.test'), '--', '--provider=skeleton', `--kubeconfig=${kubeconfig}`],
        ...[`--kubectl-path=${join(bin, 'kubectl')}`, `--report-dir=${results}`, `--report-prefix=${name}_`, `--docker-config-file=${dockerConfig}`],
        ...['--disable-log-dump', '--allowed-not-ready-nodes=0'],
      ],
    },
    results,
  );
  const log = openSync(suite.log, 'r');
  const failedBefore = told.failed;
  try {
    while (suite.alive) {
      await sleep(POLL_MS, undefined, { signal: AbortSignal.any([signal, limit]) });
      if (told.read(log)) await tidyUp();
    }
    const code = await suite.exited;
    told.read(log);
    return code === 0 || told.failed > failedBefore ? undefined : `the suite ended with exit code ${code}:\n${suite.tail()}`;
  } catch (error) {
    if (!signal.aborted && !limit.aborted) throw error;
    await suite.stop(); // for the results so far
    return signal.aborted ? 'the suite was interrupted' : `the suite took longer than ${limitMs / 60_000} minutes and was stopped`;
  } finally {
    closeSync(log);
  }
}

/** Reads what the suite writes as it runs (Kubernetes v1.20 test/e2e/reporters/progress.go): a JSON object on a line of its own after each spec. */
class Progress {
  failed = 0;
  readonly #selected: number;
  #rest = '';
  readonly #decoder = new StringDecoder();
  #passed = 0;

  constructor(selected: number) {
    this.#selected = selected;
  }

  /** Returns whether specs were over. */
  read(log: number): boolean {
    const before = this.#passed + this.failed;
    const chunk = Buffer.alloc(1 << 20);
    for (let length = readSync(log, chunk); length > 0; length = readSync(log, chunk)) {
      const lines = (this.#rest + this.#decoder.write(chunk.subarray(0, length))).split('\n');
      this.#rest = lines.pop() ?? '';
      lines.forEach((line) => this.#line(line));
    }
    return this.#passed + this.failed > before;
  }

  #line(line: string): void {
    // What ginkgo draws for a spec stands before it.
    const [, state, name = ''] = /\{"msg":"(PASSED|FAILED) ((?:[^"\\]|\\.)*)"/.exec(line) ?? [];
    if (state === undefined) return;
    if (state === 'PASSED') this.#passed++;
    else this.failed++;
    console.log(`  ${state === 'PASSED' ? 'ok    ' : 'FAILED'}  ${this.#passed + this.failed}/${this.#selected}  ${JSON.parse(`"${name}"`) as string}`);
  }
}
