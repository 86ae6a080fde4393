// The arguments of hushwatt request.
import { type Command, InvalidArgumentError } from "commander";
import type { MeterRequestOptions, RequestOptions } from "./run-request.ts";

function number(text: string): string {
  if (/^(0|[1-9]\d?)$/.test(text)) return text;
  throw new InvalidArgumentError(
    "It must be a number, counted from 0 as in the market's document.",
  );
}

export function addRequestCommand(program: Command): void {
  const request = program
    .command("request")
    .description("make a private key, and the request for its certificate");
  request
    .command("meter")
    .description("for a meter; its name is chosen by the registrar")
    .requiredOption("--out <folder>", "where the key is used, and stays")
    .option("--market <file>", "the market's document, for --code")
    .option("--code <code>", "a one-time code from the registrar: fetches the certificate at once")
    .action(async (options: MeterRequestOptions) => {
      const { requestForMeter } = await import("./run-request.ts");
      await requestForMeter(options);
    });
  for (const role of ["supplier", "evaluator"] as const) {
    request
      .command(role)
      .description(`for ${role} N, counted from 0 as in the market's document`)
      .argument("<N>", `the number of the ${role}`, number)
      .requiredOption("--out <folder>", "where the key is used, and stays")
      .action(async (id: string, options: RequestOptions) => {
        const { makeRequest } = await import("./run-request.ts");
        await makeRequest({ role, id }, options.out);
      });
  }
  request
    .command("dealer")
    .description("for the dealer, with the secret that masks are made from")
    .requiredOption("--out <folder>", "where key and secret are used, and stay")
    .action(async (options: RequestOptions) => {
      const { makeDealerRequest } = await import("./run-request.ts");
      await makeDealerRequest(options.out);
    });
  request
    .command("operator")
    .description("for somebody who watches the market")
    .argument("<id>", "a name of letters, digits, '.', '_' and '-'")
    .requiredOption("--out <folder>", "where the key is used, and stays")
    .action(async (id: string, options: RequestOptions) => {
      const { makeRequest } = await import("./run-request.ts");
      await makeRequest({ role: "operator", id }, options.out);
    });
}
