// The rooms of the house, from the foundation up. A room imports only rooms before it in this list;
// the four edges never import each other; nothing but the command line imports the harness.
const rooms = ['base', 'config', 'telemetry', 'pod', 'mesos', 'kubernetes', 'docker', 'network', 'volumes', 'status', 'runtime', 'node',
  'server', 'executor', 'scheduler', 'harness', 'cli'];
const edges = ['mesos', 'kubernetes', 'docker', 'network', 'volumes'];
const at = (names) => `^src/(${names.join('|')})/`;

const order = rooms.slice(0, -1).map((room, i) => ({
  name: `${room}-imports-only-rooms-before-it`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: at(rooms.slice(i + 1)) },
}));

module.exports = {
  forbidden: [
    ...order,
    ...edges.map((edge) => ({
      name: `edge-${edge}-imports-no-other-edge`,
      severity: 'error',
      from: { path: `^src/${edge}/` },
      to: { path: at(edges.filter((e) => e !== edge)) },
    })),
    {
      name: 'a-room-is-entered-through-its-index',
      comment: 'other rooms import only index.ts (types are erased, but the door is the same)',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: { path: '^src/[^/]+/.+', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] },
    },
    { name: 'nothing-imports-the-command-line', severity: 'error', from: { pathNot: '^(src/cli|test)/' }, to: { path: '^src/cli/' } },
    { name: 'the-executor-does-not-know-the-scheduler', severity: 'error', from: { path: '^src/scheduler/' }, to: { path: '^src/(executor|runtime|server)/' } },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-missing-modules', severity: 'error', from: {}, to: { couldNotResolve: true } },
    { name: 'src-does-not-import-tests', severity: 'error', from: { path: '^src/' }, to: { path: '^test/' } },
    { name: 'no-dev-dependencies-in-src', severity: 'error', from: { path: '^src/' }, to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'], conditionNames: ['import', 'require', 'node', 'default', 'types'] },
    exclude: { path: 'src/mesos/generated' },
  },
};
