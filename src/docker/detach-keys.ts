/**
 * Docker ends its side of a terminal at Ctrl-P Ctrl-Q unless other keys are named, and holds back what may be their beginning: a Ctrl-P came through
 * with the next key only. It cannot be told to have none. These nobody types, and what they begin with (Ctrl-Space) does nothing
 * by itself in the programs that know it, so that nobody misses it until the next key.
 */
export const DETACH_KEYS = 'ctrl-@,ctrl-_,ctrl-^,ctrl-@,ctrl-],ctrl-_,ctrl-@,ctrl-^,ctrl-^,ctrl-@,ctrl-_,ctrl-],ctrl-@,ctrl-@,ctrl-],ctrl-^';
