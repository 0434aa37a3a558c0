"""How any TM Forum API speaks, whoever answers it: values, instants, bodies, patches, list queries, signatures."""
