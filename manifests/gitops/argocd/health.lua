-- Health of a LocalModelDeployment for Argo CD: Ready means served, Stalled means that only a person can help.
-- Without it Argo CD calls every object of a kind that it does not know Healthy.
local health = { status = "Progressing", message = "waiting for the operator" }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "is being deleted"
  return health
end

-- What the status says of an older generation of the spec says nothing of this one.
if obj.status == nil or obj.status.conditions == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local ready, stalled
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Stalled" and condition.status == "True" then
    stalled = condition
  end
end

if ready == nil then
  return health
end

health.message = ready.reason .. ": " .. ready.message
if stalled ~= nil then
  health.status = "Degraded"
  health.message = stalled.reason .. ": " .. stalled.message
elseif ready.status == "True" then
  health.status = "Healthy"
elseif obj.spec.paused then
  health.status = "Suspended"
end
return health
