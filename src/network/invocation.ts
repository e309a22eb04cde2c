import { isObject, type JsonObject } from './json.ts';
import { atLeast, type NetworkList, type PluginConfig } from './network-list.ts';

/** What plugins are told of one pod, by capability (CNI conventions: `portMappings`, `bandwidth`, ...). */
export type CapabilityArguments = JsonObject;

/** Whose interface it is. */
export interface Attachment {
  readonly sandboxId: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** The pod's interface, as the kubelet names it. */
export const POD_INTERFACE = 'eth0';

/** Brings `lo` up; Kubernetes v1.20 pkg/kubelet/dockershim/network/cni/cni_others.go. */
export const LOOPBACK: NetworkList = { name: 'cni-loopback', cniVersion: '0.3.1', plugins: [{ type: 'loopback' }] };

export interface Invocation {
  readonly command: 'ADD' | 'DEL';
  readonly attachment: Attachment;
  readonly interfaceName: string;
  /** Path of the network namespace; empty when there is none any more. */
  readonly netns: string;
  /** Folders of plugins. */
  readonly binDirs: readonly string[];
}

/**
 * The environment of a plugin: what the protocol says, and where the programs are that plugins call. Nothing of ours goes there. Kubernetes v1.20
 * pkg/kubelet/dockershim/network/cni/cni.go buildCNIRuntimeConf; `K8S_POD_UID` as later ones have it.
 */
export function pluginEnvironment({ command, attachment, interfaceName, netns, binDirs }: Invocation): Record<string, string> {
  const { namespace, name, sandboxId, uid } = attachment;
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    CNI_COMMAND: command,
    CNI_CONTAINERID: sandboxId,
    CNI_NETNS: netns,
    CNI_IFNAME: interfaceName,
    CNI_PATH: binDirs.join(':'),
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_INFRA_CONTAINER_ID=${sandboxId};K8S_POD_UID=${uid}`,
  };
}

/**
 * What a plugin reads on standard input: its part of the file with the network's name and version, what it can use of the pod's `given`
 * arguments, and the result so far. Like libcni's buildOneConfig.
 */
export function pluginInput({ name, cniVersion }: NetworkList, plugin: PluginConfig, given: CapabilityArguments, prevResult: JsonObject | undefined): JsonObject {
  const { capabilities } = plugin;
  const able = isObject(capabilities) ? Object.entries(given).filter(([capability]) => capabilities[capability] === true) : [];
  return {
    ...plugin,
    name,
    cniVersion,
    ...(able.length > 0 && { runtimeConfig: Object.fromEntries(able) }),
    ...(prevResult !== undefined && { prevResult }),
  };
}

/** Whether DEL is told the result of ADD: from version 0.4.0 on. */
export function tellsResultOnDel({ cniVersion }: NetworkList): boolean {
  return atLeast(cniVersion, '0.4.0');
}
