import { KmError } from '../base/index.ts';

/** The API that this code is written for: Docker 20.10 serves it, and every later Engine up to 28. */
const WANTED = '1.41';

/**
 * The API version to speak with an Engine that serves `oldest` to `newest`: ours where it does, else the nearest one (Docker 29
 * no longer serves anything below 1.44). Throws code `invalid` when those are no versions.
 */
export function chooseApiVersion(served: { readonly newest: string; readonly oldest: string }): string {
  for (const version of [served.newest, served.oldest]) {
    if (!/^1\.\d{1,3}$/.test(version)) throw new KmError('invalid', `the Docker Engine gives "${version}" as an API version`);
  }
  if (minor(served.oldest) > minor(WANTED)) return served.oldest;
  return minor(served.newest) < minor(WANTED) ? served.newest : WANTED;
}

function minor(version: string): number {
  return Number(version.slice('1.'.length));
}
