import { KmError } from '../base/index.ts';
import { hostPorts, parseQuantity, toBytes, type ValidPod } from '../pod/index.ts';
import type { CapabilityArguments } from './invocation.ts';

const INGRESS = 'kubernetes.io/ingress-bandwidth';
const EGRESS = 'kubernetes.io/egress-bandwidth';
/** Bits a second (Kubernetes v1.20 pkg/util/bandwidth/utils.go). */
const LEAST_RATE = 1000n;
const MOST_RATE = 1_000_000_000_000_000n;
/** As good as none: the kubelet sets no other. */
const BURST_BITS = 2 ** 31 - 1;

/**
 * What the pod asks of plugins that can do it: ports of the node, and bandwidth by its annotations. Throws code `invalid` for a bandwidth that is
 * none. Kubernetes v1.20 pkg/kubelet/dockershim/network/cni/cni.go buildCNIRuntimeConf.
 */
export function capabilityArguments(pod: ValidPod): CapabilityArguments {
  const portMappings = hostPorts(pod).map((port) => ({ ...port, protocol: port.protocol.toLowerCase() }));
  const ingressRate = rate(pod, INGRESS);
  const egressRate = rate(pod, EGRESS);
  return {
    portMappings,
    ...((ingressRate ?? egressRate) !== undefined && {
      bandwidth: {
        ...(ingressRate !== undefined && { ingressRate, ingressBurst: BURST_BITS }),
        ...(egressRate !== undefined && { egressRate, egressBurst: BURST_BITS }),
      },
    }),
  };
}

function rate({ metadata }: ValidPod, annotation: string): number | undefined {
  const text = metadata.annotations?.[annotation];
  if (text === undefined) return undefined;
  const bits = toBytes(parseQuantity(text));
  const wrong = bits < LEAST_RATE ? 'unreasonably small (< 1kbit)' : bits > MOST_RATE ? 'unreasonably large (> 1Pbit)' : undefined;
  if (wrong !== undefined) throw new KmError('invalid', `metadata.annotations[${annotation}]: resource is ${wrong}`);
  return Number(bits);
}
