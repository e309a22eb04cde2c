/** The streams of exec, attach and port-forward, whatever protocol of the kubelet carries them: SPDY/3.1 or WebSocket. */
export { streamUpgrades, type StreamOptions, type StreamUpgrades } from './upgrades.ts';
