/**
 * Runs Kubernetes' end-to-end specs against `km`: a control plane of the real programs, `km up` as its node, the specs that are expected to pass or that FOCUS and
 * SKIP select. Needs a Docker Engine (DOCKER_HOST) and what build.sh makes. Exit 0 when specs ran and none fell below the list; nothing of it runs on afterwards.
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { connectEngine } from '../engine-api.ts';
import { tryClients } from './clients/run.ts';
import { API_NAME, startControlPlane } from './control-plane.ts';
import { freePorts } from './free-ports.ts';
import { AGNHOST, BUSYBOX, PAUSE, provideImages, REGISTRIES } from './images.ts';
import { removeLeftovers } from './leftovers.ts';
import { startNode } from './node.ts';
import { readOptions } from './options.ts';
import { startRegistries } from './registries.ts';
import { report } from './report.ts';
import { select } from './selection.ts';
import { runSuite } from './suite.ts';
import { KUBELET_PORT } from './unable-here.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort(new Error('interrupted')));

try {
  process.exitCode = (await conformance(interrupted.signal)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}

async function conformance(signal: AbortSignal): Promise<boolean> {
  const wanted = readOptions(process.env);
  const { results, bin } = wanted;
  const logs = join(results, 'logs');
  rmSync(results, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });

  const [port = 0] = await freePorts(1, KUBELET_PORT);
  const selection = select(wanted, port);
  selection.leftOut.forEach((why, name) => console.log(`  left out  ${name}: ${why}`));

  await using started = new AsyncDisposableStack();
  await removeLeftovers(); // of a run that was killed
  started.defer(() => removeLeftovers());
  const engine = connectEngine(process.env);
  started.defer(() => engine.close());
  await provideImages(engine);
  const dir = mkdtempSync(join(tmpdir(), 'km-conformance-')); // for our eyes only: it holds keys
  started.defer(() => rmSync(dir, { recursive: true, force: true }));

  const registries = started.use(await step('registries', () => startRegistries({ engine, bin, dir, logs, signal })));
  const controlPlane = started.use(await step('control plane', () => startControlPlane({ bin, dir, logs, signal })));
  const stateDir = join(dir, 'km');
  started.defer(() => keep(join(stateDir, 'executor.log'), logs));
  started.use(await step('node', () => startNode({ controlPlane, stateDir, logs, pauseImage: PAUSE, port, signal })));
  const subject = { user: 'admin', group: 'system:masters' };
  const kubeconfig = await controlPlane.kubeconfig('admin', subject, API_NAME);
  const api = { kubectl: join(bin, 'kubectl'), kubeconfig: await controlPlane.kubeconfig('admin-here', subject) };
  const tidyUp = (): Promise<void> => removeLeftovers(api).catch((error: unknown) => console.log(`  not tidied up: ${String(error)}`));
  const { kubectl, kubeconfig: here } = api;
  const failures = await step('tries with kubectl', () => tryClients({ files: [kubectl, 'kubectl'], kubeconfig: here, image: BUSYBOX, server: AGNHOST, dir, signal }));
  const repositories = { ...REGISTRIES, ...registries.repositories };
  const end = await runSuite({ ...wanted, specs: selection.specs, repositories, dockerConfig: registries.dockerConfig, dir, kubeconfig, tidyUp, signal });
  await started.disposeAsync();
  return report(results, selection, end, failures);
}

function keep(file: string, folder: string): void {
  if (existsSync(file)) copyFileSync(file, join(folder, basename(file)));
}

async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await run();
  console.log(`  ready   ${name}, ${((performance.now() - began) / 1000).toFixed(1)} s`);
  return result;
}
