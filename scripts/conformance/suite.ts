/** Kubernetes' own end-to-end suite, run by ginkgo against a cluster. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import { API_NAME } from './control-plane.ts';
import { REGISTRIES } from './images.ts';
import type { Options } from './options.ts';
import { Program } from './programs.ts';

export interface SuiteOptions extends Options {
  /** How many specs will run, to tell how far it is. */
  readonly selected: number;
  readonly kubeconfig: string;
  /** For files that the suite needs while it runs. */
  readonly dir: string;
  /** Folder for the junit files and the log. */
  readonly results: string;
  readonly signal: AbortSignal;
}

export interface SuiteEnd {
  /** Why the suite ended though not all of it ran, or without a junit file; undefined: it ran to its end. */
  readonly trouble: string | undefined;
  readonly log: string;
}

/** ginkgo's own limit strikes first: then there are junit files. */
const SPARE_MS = 60_000;
const POLL_MS = 500;
const COUNT_MS = 120_000;

/** How many specs focus and skip select. Throws what the suite says of expressions that are none. */
export function countSelected({ bin, focus, skip }: Pick<Options, 'bin' | 'focus' | 'skip'>): number {
  const { stdout, stderr, error } = spawnSync(join(bin, 'e2e.test'), [`--ginkgo.focus=${focus}`, `--ginkgo.skip=${skip}`, '--ginkgo.dryRun', '--ginkgo.noColor', '--provider=skeleton'], {
    cwd: tmpdir(),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: COUNT_MS,
  });
  const selected = /^Will run (\d+) of \d+ specs/m.exec(stdout ?? '')?.[1];
  if (selected === undefined) throw error ?? new Error(`the suite does not tell how many specs it would run:\n${`${stdout}${stderr}`.slice(-1_000)}`);
  return Number(selected);
}

/** Runs the specs that focus and skip select; each is told on a line when it is over. */
export async function runSuite(options: SuiteOptions): Promise<SuiteEnd> {
  const { bin, dir, results, focus, skip, parallel, limitMs, kubeconfig, signal } = options;
  const home = join(dir, 'home');
  mkdirSync(home);
  const hosts = join(dir, 'hosts');
  writeFileSync(hosts, `127.0.0.1 localhost ${API_NAME}\n`);
  const repositories = join(dir, 'repositories.yaml');
  writeFileSync(repositories, JSON.stringify(REGISTRIES));
  await using suite = new Program(
    {
      name: 'e2e',
      file: 'unshare',
      stopSignal: 'SIGINT', // then the specs clean up
      cwd: dir, // ginkgo takes paths relative to it
      env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, HOME: home, TMPDIR: dir, KUBECONFIG: kubeconfig, KUBE_TEST_REPO_LIST: repositories },
      arguments: [
        // A mount namespace with a hosts file of its own: only there API_NAME means anything.
        ...['--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, join(bin, 'ginkgo')],
        ...[`--nodes=${parallel}`, `--focus=${focus}`, `--skip=${skip}`, `--timeout=${Math.max(1, Math.round((limitMs - SPARE_MS) / 1000))}s`],
        ...['--noColor', '--seed=1', '--slowSpecThreshold=300', join(bin, 'e2e.test'), '--', '--provider=skeleton', `--kubeconfig=${kubeconfig}`],
        ...[`--kubectl-path=${join(bin, 'kubectl')}`, `--report-dir=${results}`, '--disable-log-dump', '--allowed-not-ready-nodes=0'],
      ],
    },
    results,
  );
  const limit = AbortSignal.timeout(limitMs);
  const log = openSync(suite.log, 'r');
  const told = new Progress(options.selected);
  try {
    while (suite.alive) {
      await sleep(POLL_MS, undefined, { signal: AbortSignal.any([signal, limit]) });
      told.read(log);
    }
    const code = await suite.exited;
    told.read(log);
    const trouble = code === 0 || told.failed > 0 ? undefined : `the suite ended with exit code ${code}:\n${suite.tail()}`;
    return { trouble, log: suite.log };
  } catch (error) {
    if (!signal.aborted && !limit.aborted) throw error;
    await suite.stop(); // for the results so far
    const trouble = signal.aborted ? 'the suite was interrupted' : `the suite took longer than ${limitMs / 60_000} minutes and was stopped`;
    return { trouble, log: suite.log };
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

  read(log: number): void {
    const chunk = Buffer.alloc(1 << 20);
    for (let length = readSync(log, chunk); length > 0; length = readSync(log, chunk)) {
      const lines = (this.#rest + this.#decoder.write(chunk.subarray(0, length))).split('\n');
      this.#rest = lines.pop() ?? '';
      lines.forEach((line) => this.#line(line));
    }
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
