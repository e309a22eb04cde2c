/**
 * Compiles the executor's code into the cache that its worker reads, so that the first executor on a machine is as small and as quick as
 * every later one. Takes half a second; does no harm where it fails.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { COMPILE_CACHE, SMALL } from '../src/cli/supervise.ts';

const source = join(import.meta.dirname, '..', 'src');
const modules = ['cli/main.ts', 'cli/executor.ts', 'executor/index.ts', 'telemetry/index.ts', 'mesos/index.ts'];
// main.ts runs what the command line says: --help, which prints and ends.
const imports = modules.slice(1).map((name) => `await import(${JSON.stringify(join(source, name))});`);
const warm = `${imports.join('')}(await import('node:module')).flushCompileCache();process.argv.push('--help');await import(${JSON.stringify(join(source, 'cli/main.ts'))});`;
spawnSync(process.execPath, [...SMALL, '--input-type=module', '--eval', warm], { env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE }, stdio: 'ignore' });
