export const DEMO_PAGE = `<!doctype html>
<title>Troupe</title>
<p>Troupe runs.</p>
`;
