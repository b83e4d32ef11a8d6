from django.urls import path

from alarms.views import details, lists, past, plans

urlpatterns = [
    path("", lists.alarm_list, name="alarms"),
    path("history/", past.alarm_history, name="alarm_history"),
    path("runs/<int:run>/", past.alarm_run, name="alarm_run"),
    path("sets/<slug:set_name>/plan/", plans.alarm_plan, name="alarm_plan"),
    path("sets/<slug:set_name>/apply/", plans.alarm_apply, name="alarm_apply"),
    path("<int:pk>/", details.alarm_detail, name="alarm"),
    path("<int:pk>/mute/", details.alarm_mute, name="alarm_mute"),
    path("<int:pk>/unmute/", details.alarm_unmute, name="alarm_unmute"),
    path("<int:pk>/switch/", details.alarm_switch, name="alarm_switch"),
]
