// The content security policy forbids code from text: zod must not even try, also not where it is loaded first. It
// keeps what it finds here; that nothing is tried is tested (test/web/).
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } });
