/** An exact Kubernetes quantity: digits x 10^-scale... filled in below. */
export interface Quantity {
  /** The value in nano (10^-9) units, exact; what is smaller was rounded away from zero. */
  readonly nano: bigint;
  readonly format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent';
}

/** Throws KmError `invalid`. */
export function parseQuantity(_text: string): Quantity {
  throw new Error('unwritten');
}

/** In thousandths, rounded up. */
export function toMilli(_quantity: Quantity): bigint {
  throw new Error('unwritten');
}

/** In whole units, rounded up. */
export function toBytes(_quantity: Quantity): bigint {
  throw new Error('unwritten');
}

export function compareQuantities(_a: Quantity, _b: Quantity): -1 | 0 | 1 {
  throw new Error('unwritten');
}

/** The canonical text: `1536Mi`, `100m`, `1e3`. */
export function formatQuantity(_quantity: Quantity): string {
  throw new Error('unwritten');
}
