/** At most so many bytes of `chunks`, which is closed when they have passed. */
export async function* limited(chunks: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let room = bytes;
  for await (const chunk of chunks) {
    yield chunk.subarray(0, room);
    room -= chunk.length;
    if (room <= 0) return;
  }
}
