"""The doors of the local host: what comes in by HTTP, queue or timer goes to Microsoft's worker runtime.

Indexing, binding conversion and invocation are Microsoft's own code (azure-functions-runtime on PyPI);
here stands only what the Functions host, which is not written in Python, does around it.
"""
