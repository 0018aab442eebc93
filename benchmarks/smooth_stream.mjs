// What smoothStream (npm package `ai`) makes of streams: JSON in, JSON out.
//
// In:  [{"arrivals": [[milliseconds, text], ...], "delay": milliseconds}, ...], whole milliseconds.
// Out: of each, [[milliseconds, text], ...] as its reader gets it.
//
// Time is Node's mock timers: it goes on when everything that is ready has been done, so the
// figures are the same on every machine, and no timer is late.
import { mock } from "node:test";
import { text } from "node:stream/consumers";
import { smoothStream } from "ai";

const runs = JSON.parse(await text(process.stdin));
mock.timers.enable({ apis: ["setTimeout"] });
const settle = () => new Promise((resolve) => setImmediate(resolve));
let now = 0;

async function collect(stream, released) {
  for await (const chunk of stream) {
    if (chunk.type === "text-delta") released.push([now, chunk.text]);
  }
}

const streams = runs.map(({ arrivals, delay }) => {
  const transform = smoothStream({ delayInMs: delay })({ tools: {} });
  const released = [];
  const done = { is: false };
  collect(transform.readable, released).then(() => (done.is = true));
  return { arrivals, next: 0, writer: transform.writable.getWriter(), released, done };
});

while (streams.some((stream) => !stream.done.is)) {
  for (const stream of streams) {
    while (stream.next < stream.arrivals.length && stream.arrivals[stream.next][0] <= now) {
      stream.writer.write({ type: "text-delta", id: "0", text: stream.arrivals[stream.next++][1] });
      if (stream.next === stream.arrivals.length) {
        stream.writer.write({ type: "text-end", id: "0" }); // as streamText sends it: the rest goes out
        stream.writer.close();
      }
    }
  }
  await settle();
  now += 1;
  mock.timers.tick(1);
  await settle();
}
console.log(JSON.stringify(streams.map((stream) => stream.released)));
