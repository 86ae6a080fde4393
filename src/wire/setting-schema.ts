// A security setting as it is read: complete, and without contradictions.
import { z } from "zod";
import {
  ALGORITHMS,
  ENGINES,
  MAX_PARTIES,
  PRIORITY_ORDERS,
  SECURITY_LEVELS,
  settingProblem,
} from "./setting.ts";

export const settingSchema = z
  .strictObject({
    engine: z.enum(ENGINES),
    parties: z.int().min(2).max(MAX_PARTIES),
    threshold: z.int().min(1).max(MAX_PARTIES),
    security: z.enum(SECURITY_LEVELS),
    algorithm: z.enum(ALGORITHMS),
    priorityOrder: z.enum(PRIORITY_ORDERS),
  })
  .superRefine((setting, context) => {
    const problem = settingProblem(setting);
    if (problem === null) return;
    context.addIssue({ code: "custom", path: [problem.field], message: problem.message });
  });
