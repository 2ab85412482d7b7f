const page = document.querySelector('#page')
const fontFamily = 'system-ui, sans-serif'

Redoc.init(
  `${page.dataset.base}/openapi.json`,
  {
    hideDownloadButton: false,
    nativeScrollbars: true,
    expandResponses: '200,201',
    theme: { typography: { fontFamily, headings: { fontFamily }, code: { fontFamily: 'ui-monospace, monospace' } } },
  },
  page,
)
