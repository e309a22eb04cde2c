import { NOT_SUPPORTED_YET, shown, type Faults } from './faults.ts';
import { compareQuantities, tryParseQuantity, type Quantity } from './quantity.ts';
import type { ResourceRequirements } from './types.ts';

/**
 * cpu and memory become cgroup settings; who takes more ephemeral storage than its limit is evicted.
 * Kubernetes v1.20 pkg/apis/core/validation ValidateResourceRequirements.
 */
export function checkResources({ limits = {}, requests = {} }: ResourceRequirements, path: string, faults: Faults): void {
  const limited = parsed(limits, `${path}.limits`, faults);
  // A limit without a request is also a request (defaults), and told once.
  const own = Object.fromEntries(Object.entries(requests).filter(([name, text]) => limits[name] !== text));
  for (const [name, request] of parsed(own, `${path}.requests`, faults)) {
    const limit = limited.get(name);
    if (limit !== undefined && compareQuantities(request, limit) > 0) {
      faults.add(`${path}.requests[${name}]`, `${shown(requests[name])}: must be less than or equal to ${name} limit`);
    }
  }
}

const SUPPORTED = ['cpu', 'memory', 'ephemeral-storage'];

function parsed(list: Record<string, string>, path: string, faults: Faults): Map<string, Quantity> {
  const quantities = new Map<string, Quantity>();
  for (const [name, text] of Object.entries(list)) {
    const field = `${path}[${name}]`;
    const quantity = tryParseQuantity(text);
    if (!SUPPORTED.includes(name)) faults.add(field, NOT_SUPPORTED_YET);
    else if (quantity === undefined) faults.add(field, `${shown(text)} is not a quantity`);
    else if (quantity.nano < 0n) faults.add(field, `${shown(text)}: must be greater than or equal to 0`);
    else quantities.set(name, quantity);
  }
  return quantities;
}
