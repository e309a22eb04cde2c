import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFieldSelector, parseLabelSelector } from '../../../../src/harness/kubernetes-api/selectors.ts';

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/zone': 'a', size: '7', empty: '' };
  test.each([
    ['', true],
    ['app=web', true],
    ['app==web', true],
    ['app = web', true],
    ['app=db', false],
    ['app!=db', true],
    ['app!=web', false],
    ['missing!=x', true],
    ['missing=x', false],
    ['missing=', false],
    ['empty=', true],
    ['app', true],
    ['missing', false],
    ['!missing', true],
    ['!app', false],
    ['app in (db, web)', true],
    ['app in (db)', false],
    ['app in (db,web),tier=front', true],
    ['app in (db,web),tier=back', false],
    ['app notin (db)', true],
    ['app notin (web,db)', false],
    ['missing notin (a)', true],
    ['missing in (a)', false],
    ['empty in (,a)', true],
    ['example.com/zone=a', true],
    ['size>6', true],
    ['size>7', false],
    ['size<10', true],
    ['app>6', false],
    ['toString', false],
  ])('%j lets those labels through: %s', (text, through) => {
    expect(parseLabelSelector(text)(labels)).toBe(through);
  });

  test.each(['a=b=c', 'app in', 'app in web', '=x', 'a b', 'a=_x', 'a>x', '-a=b', 'a in (x'])('%j is refused with a 400', (text) => {
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ status: expect.objectContaining({ code: 400 }) as unknown }));
  });

  test('what it lets through is what its requirements say, whatever they are', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9]{0,3}$/);
    const requirement = fc.record({ key: word, values: fc.array(word, { minLength: 1, maxLength: 3 }), operator: fc.constantFrom('in', 'notin', '=', '!=', 'exists', '!') });
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 4 }), fc.dictionary(word, word), (requirements, given) => {
        const text = requirements.map(({ key, values, operator }) => {
          if (operator === 'exists') return key;
          if (operator === '!') return `!${key}`;
          return operator === '=' || operator === '!=' ? `${key}${operator}${values[0]}` : `${key} ${operator} (${values.join(',')})`;
        });
        const expected = requirements.every(({ key, values, operator }) => {
          const has = Object.hasOwn(given, key);
          const allowed = operator === '=' || operator === '!=' ? values.slice(0, 1) : values;
          if (operator === 'exists') return has;
          if (operator === '!') return !has;
          return operator === '=' || operator === 'in' ? has && allowed.includes(given[key] ?? '') : !has || !allowed.includes(given[key] ?? '');
        });
        expect(parseLabelSelector(text.join(','))(given)).toBe(expected);
      }),
    );
  });

  test('no text makes it do anything but match or answer 400', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseLabelSelector(text)({});
        } catch (error) {
          expect(error).toMatchObject({ status: { code: 400 } });
        }
      }),
    );
  });
});

describe('a field selector', () => {
  const supported = ['metadata.name', 'spec.nodeName', 'status.phase'];
  const fields = { 'metadata.name': 'web', 'spec.nodeName': '', 'status.phase': 'Running' };
  test.each([
    ['', true],
    ['metadata.name=web', true],
    ['metadata.name==web', true],
    ['metadata.name!=web', false],
    ['spec.nodeName=', true],
    ['spec.nodeName!=', false],
    ['metadata.name=web,status.phase=Running', true],
    ['metadata.name=web,status.phase!=Running', false],
    ['metadata.name=w\\,b', false],
  ])('%j lets those fields through: %s', (text, through) => {
    expect(parseFieldSelector(text, supported)(fields)).toBe(through);
  });

  test('a field that the resource does not select by is refused by its name', () => {
    expect(() => parseFieldSelector('spec.image=x', supported)).toThrow('field label not supported: spec.image');
  });

  test('text without an operator is refused', () => {
    expect(() => parseFieldSelector('metadata.name', supported)).toThrow("can't understand 'metadata.name'");
  });
});
