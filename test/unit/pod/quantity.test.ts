import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';

import { compareQuantities, formatQuantity, parseQuantity, toBytes, toMilli } from '../../../src/pod/index.ts';

describe('quantities', () => {
  // text, canonical form, in thousandths, in whole units
  const table: [string, string, bigint, bigint][] = [
    ['0', '0', 0n, 0n],
    ['1', '1', 1000n, 1n],
    ['1.5', '1500m', 1500n, 2n],
    ['100m', '100m', 100n, 1n],
    ['0.1m', '100u', 1n, 1n],
    ['1e3', '1e3', 1_000_000n, 1000n],
    ['1E', '1E', 10n ** 21n, 10n ** 18n],
    ['1E2', '100', 100_000n, 100n],
    ['1e-3', '1e-3', 1n, 1n],
    ['1.5Gi', '1536Mi', 1_610_612_736_000n, 1_610_612_736n],
    ['0.5Ki', '512', 512_000n, 512n],
    ['0.9765625Ki', '1k', 1_000_000n, 1000n],
    ['1000Ki', '1000Ki', 1_024_000_000n, 1_024_000n],
    ['1024Ki', '1Mi', 1_048_576_000n, 1_048_576n],
    ['.5Mi', '512Ki', 524_288_000n, 524_288n],
    ['0.0001Gi', '107374182400u', 107_374_183n, 107_375n],
    ['1.', '1', 1000n, 1n],
    ['+12', '12', 12_000n, 12n],
    ['-1.5', '-1500m', -1500n, -1n],
    ['1000000n', '1m', 1n, 1n],
    ['0.0000000001', '1n', 1n, 1n],
    ['1000k', '1M', 10n ** 9n, 10n ** 6n],
    ['9223372036854775808', '9223372036854775807', 9_223_372_036_854_775_807_000n, 9_223_372_036_854_775_807n],
    ['1e999999999', '9223372036854775807', 9_223_372_036_854_775_807_000n, 9_223_372_036_854_775_807n],
    ['1e-999999999', '1e-9', 1n, 1n],
  ];
  test.each(table)('%s is %s', (text, canonical, milli, units) => {
    const quantity = parseQuantity(text);
    expect(formatQuantity(quantity)).toBe(canonical);
    expect(toMilli(quantity)).toBe(milli);
    expect(toBytes(quantity)).toBe(units);
  });

  test.each(['', ' ', '12 bananas', '1.5.2', 'Gi', '1gi', '1KI', '1Kib', '--1', '1e', '1e1.5', '0x10', '1_000', '１', '.', '1 Gi', 'NaN', 'Infinity', '1'.repeat(300)])(
    'refuses %j',
    (text) => expect(() => parseQuantity(text)).toThrow(/is not a quantity/),
  );

  // The value of a quantity as an exact fraction, worked out apart from the code under test.
  const grammar = fc
    .record({
      sign: fc.constantFrom('', '+', '-'),
      whole: fc.bigInt({ min: 0n, max: 10n ** 9n }),
      fraction: fc.option(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 9 }).map((d) => d.join('')), { nil: undefined }),
      suffix: fc.constantFrom(...Object.entries(SUFFIXES)),
    })
    .map(({ sign, whole, fraction, suffix: [suffix, [up, down]] }) => ({
      text: `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${suffix}`,
      numerator: (sign === '-' ? -1n : 1n) * BigInt(`${whole}${fraction ?? ''}`) * up,
      denominator: 10n ** BigInt((fraction ?? '').length) * down,
    }));

  it('keeps every value of the grammar exactly, down to 10^-9 (away from zero below) and up to 2^63 - 1', () => {
    fc.assert(
      fc.property(grammar, ({ text, numerator, denominator }) => {
        const size = numerator < 0n ? -numerator : numerator;
        const exact = (size * 10n ** 9n + denominator - 1n) / denominator;
        const cap = (2n ** 63n - 1n) * 10n ** 9n;
        const expected = exact > cap ? cap : exact;
        expect(parseQuantity(text).nano).toBe(numerator < 0n ? -expected : expected);
      }),
    );
  });

  it('writes a canonical text that reads as the same value and is written the same again', () => {
    fc.assert(
      fc.property(grammar, ({ text }) => {
        const quantity = parseQuantity(text);
        const canonical = formatQuantity(quantity);
        expect(canonical).toMatch(/^(0|-?[1-9]\d*([numkMGTPE]|[KMGTPE]i|e-?\d+)?)$/);
        expect(compareQuantities(parseQuantity(canonical), quantity)).toBe(0);
        expect(formatQuantity(parseQuantity(canonical))).toBe(canonical);
      }),
    );
  });

  it('orders quantities by value, whatever their suffix', () => {
    expect(compareQuantities(parseQuantity('1Gi'), parseQuantity('1G'))).toBe(1);
    expect(compareQuantities(parseQuantity('1000m'), parseQuantity('1'))).toBe(0);
    expect(compareQuantities(parseQuantity('999m'), parseQuantity('1'))).toBe(-1);
  });

  it('refuses or reads any text without any other error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789.eEiKMGmnuk+- x') }), (text) => {
        try {
          parseQuantity(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid' });
        }
      }),
    );
  });
});

/** Suffix to what it multiplies and divides by. */
const SUFFIXES: Record<string, [bigint, bigint]> = {
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  '': [1n, 1n],
  k: [1000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [1024n, 1n],
  Mi: [1024n ** 2n, 1n],
  Gi: [1024n ** 3n, 1n],
  Ti: [1024n ** 4n, 1n],
  Pi: [1024n ** 5n, 1n],
  Ei: [1024n ** 6n, 1n],
  e3: [1000n, 1n],
  'E-2': [1n, 100n],
  'e+5': [10n ** 5n, 1n],
};
