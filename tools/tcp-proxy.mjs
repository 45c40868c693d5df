// A network between two programs of this machine that is slow, stands still or breaks when it is told to.

import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Passes bytes on to a port of this machine, in both directions. What can be set at any time: `delayMilliseconds`
 * before each piece, `bytesPerSecond` for each direction of a connection, `still` to let no byte through, `away` to
 * refuse connections. `cut` breaks all that are open. `cutAfterBytes` breaks a connection when it has passed so many.
 */
export async function startProxy(target) {
  const open = new Set();
  const proxy = {
    port: 0,
    delayMilliseconds: 0,
    bytesPerSecond: Infinity,
    cutAfterBytes: Infinity,
    still: false,
    away: false,
    /** Bytes towards the target so far. */
    sent: 0,
    cuts: 0,
    cut() {
      for (const socket of open) {
        proxy.cuts++;
        socket.resetAndDestroy();
      }
    },
    async end() {
      proxy.still = false;
      proxy.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((socket) => {
    if (proxy.away) return void socket.resetAndDestroy();
    const other = connect(target, '127.0.0.1');
    let passed = 0;
    open.add(socket);
    const end = () => {
      open.delete(socket);
      socket.destroy();
      other.destroy();
    };
    const pass = async (from, to, isSent) => {
      for await (const piece of from.iterator({ destroyOnReturn: false })) {
        if (proxy.delayMilliseconds) await pause(proxy.delayMilliseconds);
        if (proxy.bytesPerSecond < Infinity) await pause((piece.length * 1000) / proxy.bytesPerSecond);
        while (proxy.still && !from.destroyed) await pause(20);
        passed += piece.length;
        if (isSent) proxy.sent += piece.length;
        if (passed > proxy.cutAfterBytes) {
          proxy.cuts++;
          return void socket.resetAndDestroy();
        }
        if (!to.write(piece)) await new Promise((resolve) => to.once('drain', resolve).once('close', resolve));
      }
      to.end();
    };
    // A side that closes ends the other when what it sent has been passed on; one that breaks ends both.
    for (const each of [socket, other])
      each
        .setNoDelay(true)
        .on('error', end)
        .on('close', (failed) => failed && end());
    socket.on('close', () => open.delete(socket));
    pass(socket, other, true).catch(end);
    pass(other, socket, false).catch(end);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.port = server.address().port;
  return proxy;
}
