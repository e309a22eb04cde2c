import { KmError } from '../../base/index.ts';

const HUB = 'docker.io';
const DOMAIN = /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*(:[0-9]+)?$/;
const PART = /^[a-z0-9]+(([._]|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const LONGEST_NAME = 255;

/**
 * The repository of an image in full, without tag and digest: `docker.io/library/nginx` for `nginx:1`. Throws code `invalid`, in Docker's
 * words, for what is no name of an image (github.com/docker/distribution v2.7 reference/normalize.go, regexp.go).
 */
export function repositoryOf(image: string): string {
  if (/^[0-9a-f]{64}$/.test(image)) throw new KmError('invalid', `invalid repository name (${image}), cannot specify 64-byte hexadecimal strings`);
  const [named = '', ...digests] = image.split('@');
  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === 'localhost';
  const path = isDomain ? named.slice(slash + 1) : named;
  const colon = path.indexOf(':');
  const name = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (name !== name.toLowerCase()) throw new KmError('invalid', 'invalid reference format: repository name must be lowercase');
  const wellFormed =
    digests.length <= 1 &&
    digests.every((digest) => DIGEST.test(digest)) &&
    (tag === undefined || TAG.test(tag)) &&
    (!isDomain || DOMAIN.test(first)) &&
    name.length <= LONGEST_NAME &&
    name.split('/').every((part) => PART.test(part));
  if (!wellFormed) throw new KmError('invalid', 'invalid reference format');
  if (isDomain && first !== HUB && first !== 'index.docker.io') return `${first}/${name}`;
  return `${HUB}/${name.includes('/') ? name : `library/${name}`}`;
}
