import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { KmError } from '../base/index.ts';
import { CONFIG_FILE, EXECUTOR_FLAGS, VERBOSITY } from './executor-flags.ts';
import type { ExecutorConfig } from './executor-config.ts';
import { givenFor, parsedFor, textOf, type Given } from './flag.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The configuration: from the command line (`command.opts()`), else `KM_*` of the environment, else the file of `--config`, else
 * the defaults. `unknown` is what the command line has beside (`command.args`). Throws code `invalid` with every fault in one line.
 */
export function executorConfig(options: Readonly<Record<string, unknown>>, env: Environment, unknown: readonly string[] = []): ExecutorConfig {
  const faults = unknown.flatMap((word, i) => {
    if (word.startsWith('-')) return [`unknown flag ${word.replace(/=.*/s, '')}`];
    // A word behind an unknown flag is taken for its value, and not repeated: nobody knows whether it is a secret.
    const flag = unknown[i - 1];
    return flag?.startsWith('-') === true && !flag.includes('=') ? [] : [`unexpected argument "${word}"`];
  });
  const file = fileValues(options, env, faults);
  const given = (flag: Parameters<typeof givenFor>[0]): Given | undefined => givenFor(flag, options, env, file);

  const config: Record<string, unknown> = {};
  for (const [key, flag] of Object.entries(EXECUTOR_FLAGS)) {
    const value = parsedFor<unknown>(flag, given(flag) ?? (key === 'dockerEndpoint' ? engineOf(env) : undefined), faults);
    if (value !== undefined) config[key] = Object.freeze(value);
  }
  const verbosity = given(VERBOSITY);
  if (verbosity !== undefined) {
    const level = given(EXECUTOR_FLAGS.logLevel);
    if (level !== undefined) faults.push(`${verbosity.from} and ${level.from} both set the log level`);
    else config['logLevel'] = parsedFor(VERBOSITY, verbosity, faults);
  }
  contradictions(config, env, faults);
  if (faults.length > 0) throw new KmError('invalid', faults.join('; '));
  // Every key without a fault is there, and of its flag's type: `EXECUTOR_FLAGS` has one flag for each.
  return Object.freeze(config as unknown as ExecutorConfig);
}

function engineOf(env: Environment): Given {
  const host = env['DOCKER_HOST'];
  return host === undefined || host === '' ? { text: 'unix:///var/run/docker.sock', from: '--docker-endpoint' } : { text: host, from: 'DOCKER_HOST' };
}

/** What fits each by itself, but not together. */
function contradictions(config: Partial<ExecutorConfig>, env: Environment, faults: string[]): void {
  const inside = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder.replace(/\/+$/, '')}/`);
  const { rootDir, kubeApiQps, kubeApiBurst, tlsCertFile, tlsPrivateKeyFile } = config;
  const sandbox = env['MESOS_SANDBOX'] || env['MESOS_DIRECTORY'];
  if (sandbox && rootDir !== undefined && inside(rootDir, sandbox)) {
    faults.push(`--root-dir: ${rootDir} is in the Mesos sandbox, which the agent deletes together with all that is mounted in it`);
  }
  if (kubeApiQps !== undefined && kubeApiBurst !== undefined && kubeApiBurst < kubeApiQps) {
    faults.push(`--kube-api-burst: ${kubeApiBurst} is less than --kube-api-qps ${kubeApiQps}`);
  }
  if ((tlsCertFile === undefined) !== (tlsPrivateKeyFile === undefined)) faults.push('--tls-cert-file and --tls-private-key-file: one is no use without the other');
}

function fileValues(options: Readonly<Record<string, unknown>>, env: Environment, faults: string[]): ReadonlyMap<string, Given> {
  const path = parsedFor(CONFIG_FILE, givenFor(CONFIG_FILE, options, env, new Map()), faults);
  if (path === undefined) return new Map();
  let content: unknown;
  try {
    content = parseYaml(readFileSync(path, 'utf8'));
  } catch (error) {
    faults.push(`--config: ${path} is no YAML: ${String(error instanceof Error ? error.message : error).split('\n')[0]}`);
    return new Map();
  }
  if (content === null) return new Map();
  if (typeof content !== 'object' || Array.isArray(content)) {
    faults.push(`--config: ${path}: want a mapping of flag names`);
    return new Map();
  }
  const known = new Set([...Object.values(EXECUTOR_FLAGS), VERBOSITY].map(({ name }) => name));
  const values = new Map<string, Given>();
  for (const [name, value] of Object.entries(content)) {
    if (!known.has(name)) faults.push(`${name} in ${path}: no such setting`);
    else if (value !== null) values.set(name, { text: textOf(value), from: `${name} in ${path}` });
  }
  return values;
}
