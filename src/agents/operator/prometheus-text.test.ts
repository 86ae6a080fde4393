// Measurements as text: what is read, and what is left out.
import { expect, it } from "vitest";
import { samplesIn } from "./prometheus-text.ts";

it("reads the market's measurements and leaves out buckets, others and nonsense", () => {
  const text = [
    "# HELP hushwatt_orders_total Orders received, by answer",
    'hushwatt_orders_total{result="accepted"} 12',
    'hushwatt_http_requests_total{method="GET",route="/a \\"b\\"",status="200"} 3',
    'hushwatt_http_request_seconds_bucket{le="0.1"} 4',
    "hushwatt_leading 1",
    "process_cpu_seconds_total 9",
    "hushwatt_broken NaN",
    "hushwatt_half",
  ].join("\n");
  expect(samplesIn(text)).toEqual([
    { name: "hushwatt_orders_total", labels: { result: "accepted" }, value: 12 },
    {
      name: "hushwatt_http_requests_total",
      labels: { method: "GET", route: '/a \\"b\\"', status: "200" },
      value: 3,
    },
    { name: "hushwatt_leading", labels: {}, value: 1 },
  ]);
});
