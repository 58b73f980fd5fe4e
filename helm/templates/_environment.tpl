{{/* The settings of a container: all that are plain, and of the secret ones those named. Takes (root, names…). */}}
{{- define "slotwright.environment" -}}
{{- $root := first . -}}
- name: HOST
  value: {{ $root.Values.listen | quote }}
- name: PORT
  value: "8080"
- name: CONSOLE_HOST
  value: {{ $root.Values.listen | quote }}
- name: CONSOLE_PORT
  value: "8081"
{{- range $name, $value := $root.Values.settings }}
- name: {{ $name }}
  {{- if kindIs "slice" $value }}
  value: {{ join "," $value | quote }}
  {{- else if kindIs "string" $value }}
  value: {{ $value | quote }}
  {{- else }}
  value: {{ $value | toJson | quote }}
  {{- end }}
{{- end }}
{{- range $name := rest . }}
{{- $secret := index $root.Values.secrets $name }}
{{- if $secret.name }}
{{- include "slotwright.secret" (list $name $secret) }}
{{- end }}
{{- end }}
{{- range $root.Values.extraEnv }}
{{- if or (has .name (list "HOST" "PORT" "CONSOLE_HOST" "CONSOLE_PORT")) (hasKey $root.Values.secrets .name) (hasKey $root.Values.settings .name) }}
{{- fail (printf "extraEnv: %s is a setting that the chart sets itself" .name) }}
{{- end }}
{{- end }}
{{- with $root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* A variable whose value stands in a Secret. Takes (name, where). */}}
{{- define "slotwright.secret" }}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ (index . 1).name | quote }}
      key: {{ (index . 1).key | quote }}
{{- end -}}
