export interface StandInImage {
  readonly id: string;
  readonly tag: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly user: string;
}

const image = (tag: string, digit: string, entrypoint: string[], command: string[], user = ''): StandInImage => ({ id: `sha256:${digit.repeat(64)}`, tag, entrypoint, command, user });

/** What the stand-in has without pulling: the images of our tests. */
export const IMAGES: readonly StandInImage[] = [
  image('busybox:latest', 'b', [], ['sh']),
  image('km/pause:1', 'a', ['/pause'], [], '65535:65535'),
];

/** By tag (`latest` unless told) or id. */
export function imageNamed(name: string): StandInImage | undefined {
  return IMAGES.find(({ id, tag }) => name === id || name === tag || `${name}:latest` === tag);
}

export function inspectedImage({ id, tag, entrypoint, command, user }: StandInImage): object {
  const config = { User: user, Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: nullIfEmpty(command), Entrypoint: nullIfEmpty(entrypoint), WorkingDir: '', Volumes: null, Labels: null };
  return { Id: id, RepoTags: [tag], RepoDigests: [], Size: 1_984_447, VirtualSize: 1_984_447, Os: 'linux', Architecture: 'amd64', Config: config };
}

function nullIfEmpty(list: readonly string[]): readonly string[] | null {
  return list.length > 0 ? list : null;
}
