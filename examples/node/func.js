// Greets whoever a JSON input names; any other input comes back as it came.

const fdk = require('@fnproject/fdk')

const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function greet (input, context) {
  if (!input.name) {
    context.httpGateway.statusCode = 400
    return { error: 'name is missing' }
  }
  await sleep(input.delay_ms || 0)
  context.setResponseHeader('X-Greeted', input.name)
  return {
    message: `${context.config.GREETING || 'Hello'}, ${input.name}!`,
    call_id: context.callID,
    attempt: Number(context.getHeader('Fn-Attempt')),
    deadline: context.deadline,
    tags: context.getAllHeaderValues('X-Tag')
  }
}

// As a buffer: the kit would otherwise decode every input as text.
fdk.handle((body, context) => {
  console.error(`node: call ${context.callID}: ${body.length} bytes`)
  if (context.contentType === 'application/json') return greet(JSON.parse(body), context)
  context.responseContentType = context.contentType || 'application/octet-stream'
  return fdk.rawResult(body)
}, { inputMode: 'buffer' })
