import { isCode, KmError, messageOf } from '../base/index.ts';
import { clampOomScore, createWithUniqueName, inCgroup, type InspectedContainer, SANDBOX_OOM_SCORE_ADJ, sandboxConfig } from '../docker/index.ts';
import { type DnsConfig, dnsConfig, hostnameOf, hostsFile } from '../pod/index.ts';
import { writeHostsFile, writeResolvConf } from '../volumes/index.ts';
import { isPassing } from './passing.ts';
import type { PodContext } from './pod-context.ts';
import { joinedNetwork, joinNetwork, NetworkNotReady, prepareNetwork } from './sandbox-network.ts';

/**
 * A sandbox on its way: containers can be created as soon as it has an id, and be started once it is up. Neither promise
 * goes unhandled; all reject with the same error.
 */
export interface Sandbox {
  readonly id: Promise<string>;
  /** Path of the pod's hosts file on the node: there, if not yet with the pod's address. */
  readonly hosts: Promise<string>;
  /** Its network is there, the pod's resolv.conf and hosts file are written. Gives the pod's addresses, one at least. Nothing of all that goes on once it has rejected. */
  readonly up: Promise<readonly string[]>;
}

/** The sandbox that runs already. */
export function runningSandbox(context: PodContext): Sandbox {
  const running = context.observed.sandboxes.find(({ state }) => state === 'running');
  const ips = context.podIPs;
  if (running === undefined || ips.length === 0) {
    const none = Promise.reject<never>(new KmError('unavailable', 'the pod has no running sandbox'));
    none.catch(() => undefined);
    return { id: none, hosts: none, up: none };
  }
  return { id: Promise.resolve(running.id), hosts: writeHosts(context, ips), up: Promise.resolve(ips) };
}

/** Makes a pod's sandbox and starts it. */
export function createSandbox(context: PodContext, attempt: number, signal: AbortSignal): Sandbox {
  const dns = dnsOf(context);
  const network = joinedNetwork(context);
  const ready = network === undefined ? undefined : prepareNetwork(context, network);
  const id = Promise.all([dns, ready]).then(([config]) => create(context, attempt, config, signal));
  const hosts = writeHosts(context, []); // a placeholder that containers can mount
  const up = hosts.then(() => start(context, id, dns, signal)).catch(async (error: unknown) => {
    await id.catch(() => undefined); // a creation that is under way would be seen by nobody
    if (!signal.aborted && !(error instanceof NetworkNotReady)) context.tell('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
    if (signal.aborted || isPassing(error)) throw error;
    // Told, and tried again: it is not the fault of a container that waits for it.
    throw new KmError('unavailable', messageOf(error), { cause: error });
  });
  for (const promise of [id, hosts, up]) promise.catch(() => undefined);
  return { id, hosts, up };
}

async function dnsOf({ node, pod }: PodContext): Promise<DnsConfig> {
  return dnsConfig(pod, { nodeResolvConf: await node.resolvConf(), clusterDns: node.clusterDns, clusterDomain: node.clusterDomain });
}

async function create(context: PodContext, attempt: number, dns: DnsConfig, signal: AbortSignal): Promise<string> {
  const { node, pod, owner } = context;
  if (dns.missingClusterDns !== undefined) context.tell('Warning', 'MissingClusterDNS', dns.missingClusterDns);
  for (const omitted of dns.omitted) context.tell('Warning', 'DNSConfigForming', omitted);
  const { nodename } = hostnameOf(pod, node.engineInfo.name, node.clusterDomain);
  const oomScoreAdj = clampOomScore(SANDBOX_OOM_SCORE_ADJ, node.limits).score;
  await context.prepareCgroup();
  const config = inCgroup(sandboxConfig({ pod, attempt, owner, image: node.pauseImage, hostname: nodename, oomScoreAdj, withoutNetwork: joinedNetwork(context) !== undefined }), context.cgroup);
  // Without the signal: a creation that was given up half-way could leave a container that nobody has seen.
  try {
    return await createWithUniqueName(node.engine, config);
  } catch (error) {
    if (!isCode(error, 'not-found')) throw error;
    if (!namesRegistry(node.pauseImage)) {
      throw new KmError('workload', `the Engine has no image ${node.pauseImage} for sandboxes, and its name says no registry to pull it from`, { cause: error });
    }
    await node.engine.pull(node.pauseImage, { signal });
    return createWithUniqueName(node.engine, config);
  }
}

/** Whether an image's name begins with a registry. One without would be pulled from Docker Hub, where the name may be anybody's. */
function namesRegistry(image: string): boolean {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
}

async function start(context: PodContext, created: Promise<string>, dns: Promise<DnsConfig>, signal: AbortSignal): Promise<readonly string[]> {
  const { node } = context;
  const id = await created;
  signal.throwIfAborted();
  try {
    await node.engine.start(id);
    const inspected = await node.engine.inspect(id, signal);
    const { resolvConfPath } = inspected;
    const settings = resolvConfPath === '' ? undefined : dns.then(({ content }) => writeResolvConf(resolvConfPath, content));
    const ips = await addressesOf(context, inspected, settings, signal);
    if (ips.length === 0) throw new KmError('unavailable', 'the sandbox has no address');
    await Promise.all([writeHosts(context, ips), settings]);
    return ips;
  } catch (error) {
    // The next try makes a new one; failed ones must not pile up.
    if (!isPassing(error)) await node.engine.remove(id).catch(() => undefined);
    throw error;
  }
}

async function addressesOf(context: PodContext, inspected: InspectedContainer, settings: Promise<void> | undefined, signal: AbortSignal): Promise<readonly string[]> {
  const network = joinedNetwork(context);
  if (network === undefined) return context.pod.spec.hostNetwork === true ? [context.node.hostIP] : inspected.ips;
  await settings; // a sandbox with a network is taken for ready by whoever comes after us
  return joinNetwork(context, network, inspected, signal);
}

/** Writes the pod's /etc/hosts and gives its path on the node. */
async function writeHosts({ node, pod, uid }: PodContext, ips: readonly string[]): Promise<string> {
  const { hostname, domain } = hostnameOf(pod, node.engineInfo.name, node.clusterDomain);
  const nodeHosts = pod.spec.hostNetwork === true ? await node.nodeHosts() : undefined;
  return writeHostsFile(node.rootDir, uid, hostsFile(pod, ips, hostname, domain, nodeHosts));
}
