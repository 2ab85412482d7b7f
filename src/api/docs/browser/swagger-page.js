const page = document.querySelector('#page')
const server = location.origin + page.dataset.base

const response = await fetch(`${server}/openapi.json`)
const spec = await response.json()
// "Try it out" asks the server that this page came from, which need not be reached by its public address.
spec.servers = [{ url: server }]

SwaggerUIBundle({
  domNode: page,
  spec,
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
})
