import { isCode, KmError, messageOf } from '../base/index.ts';
import { endPlugins } from './end-plugins.ts';
import { type CapabilityArguments, type Invocation, pluginEnvironment, pluginInput, tellsResultOnDel } from './invocation.ts';
import type { JsonObject } from './json.ts';
import type { NetworkList, PluginConfig } from './network-list.ts';
import { parseResult } from './result.ts';
import { findPlugin, runPlugin } from './run-plugin.ts';

export interface PluginCall extends Omit<Invocation, 'command'> {
  readonly network: NetworkList;
  readonly given: CapabilityArguments;
  readonly signal?: AbortSignal;
}

/**
 * ADD: each plugin in its order gets the result of the one before it; the last one's is the network's. Throws with the words of the one that failed; DEL has
 * to follow then.
 */
export async function addNetwork(call: PluginCall): Promise<JsonObject> {
  let result: JsonObject | undefined;
  for (const plugin of call.network.plugins) result = parseResult(await runOne(call, 'ADD', plugin, result));
  if (result === undefined) throw new KmError('internal', `network ${call.network.name} has no plugins`);
  return result;
}

/** DEL: each plugin, the last one first, with the `result` of ADD if there was one. It is good to be called again, and for what is gone. */
export async function deleteNetwork(call: PluginCall, result: JsonObject | undefined): Promise<void> {
  const told = tellsResultOnDel(call.network) ? result : undefined;
  for (const plugin of call.network.plugins.toReversed()) {
    try {
      await runOne(call, 'DEL', plugin, told);
    } catch (error) {
      // What is to be deleted is not there: Kubernetes v1.20 pkg/kubelet/dockershim/network/cni/cni.go deleteFromNetwork.
      if (!isCode(error, 'internal') || !error.message.includes('no such file or directory')) throw error;
    }
  }
}

async function runOne(call: PluginCall, command: 'ADD' | 'DEL', plugin: PluginConfig, previous: JsonObject | undefined): Promise<string> {
  const { network, given, signal, binDirs, attachment } = call;
  const binary = await findPlugin(plugin.type, binDirs);
  try {
    return await runPlugin({
      binary,
      environment: pluginEnvironment({ ...call, command }),
      input: pluginInput(network, plugin, given, previous),
      killAll: () => endPlugins(attachment.sandboxId),
      ...(signal !== undefined && { signal }),
    });
  } catch (error) {
    if (isCode(error, 'aborted')) throw error;
    throw new KmError(isCode(error, 'timeout') ? 'timeout' : 'internal', `plugin type=${JSON.stringify(plugin.type)} failed (${command.toLowerCase()}): ${messageOf(error)}`, { cause: error });
  }
}
