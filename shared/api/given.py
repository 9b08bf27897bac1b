"""What a route is given beside the caller's values: the runtime, and who calls."""

from typing import Annotated

from fastapi import Depends

from shared import runtime
from shared.api.authentication import admitted
from shared.api.roles import Caller
from shared.runtime import Runtime

Rt = Annotated[Runtime, Depends(runtime.current)]
"""The runtime of this process."""

Admitted = Annotated[Caller, Depends(admitted)]
"""Who calls, for routes that change something."""
