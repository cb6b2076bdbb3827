{{- /* Made from src/cli/build/launch.ts by `npm run generate`; do not edit. */ -}}
{{- define "lmo.command" -}}
- /nodejs/bin/node
- --max-semi-space-size=2
- --optimize-for-size
- --no-opt
- --no-maglev
- /app/operator.js
{{- end }}

{{- define "lmo.env" -}}
- name: MALLOC_ARENA_MAX
  value: "1"
{{- end }}
